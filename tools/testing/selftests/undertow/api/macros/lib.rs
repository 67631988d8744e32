// SPDX-License-Identifier: GPL-2.0

//! The macros of Undertow alone, reached as in `rust/macros/lib.rs`.

use proc_macro::TokenStream;
use syn::parse_macro_input;

#[path = "../../../../../../rust/macros"]
mod shared {
    pub(crate) mod undertow;
}

use shared::undertow;

#[proc_macro]
pub fn undertow_compartment(input: TokenStream) -> TokenStream {
    undertow::compartment(parse_macro_input!(input)).into()
}

#[proc_macro_attribute]
pub fn undertow_service(attr: TokenStream, input: TokenStream) -> TokenStream {
    undertow::service(parse_macro_input!(attr), input.into())
        .unwrap_or_else(|e| e.into_compile_error())
        .into()
}

#[proc_macro_attribute]
pub fn undertow_isolated(attr: TokenStream, input: TokenStream) -> TokenStream {
    undertow::isolated(parse_macro_input!(attr), input.into())
        .unwrap_or_else(|e| e.into_compile_error())
        .into()
}
