// SPDX-License-Identifier: GPL-2.0

//! `undertow::compartment!`: the static that stands for a compartment.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    braced,
    bracketed,
    parse::{
        Parse,
        ParseStream, //
    },
    Attribute,
    Error,
    Expr,
    Ident,
    Path,
    Result,
    Token,
    Visibility, //
};

use super::{
    refuse,
    text_bounds, //
};

/// `pub static ELF: Compartment = { name: c"elf", stacks: 2, heap: 0 };`
pub(crate) struct Declaration {
    attrs: Vec<Attribute>,
    vis: Visibility,
    ident: Ident,
    name: Expr,
    stacks: Option<Expr>,
    heap: Option<Expr>,
    max_us: Option<Expr>,
    on_fault: Option<Expr>,
    secret: Option<Expr>,
    services: Vec<Path>,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        input.parse::<Token![static]>()?;
        let ident: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty: Path = input.parse()?;
        if !matches!(ty.segments.last(), Some(last) if last.ident == "Compartment") {
            return Err(refuse(
                ty,
                "a compartment's type is `Compartment`",
                "write `static NAME: Compartment = { name: c\"name\", stacks: 1, heap: 0 };`",
            ));
        }
        input.parse::<Token![=]>()?;

        let body;
        let brace = braced!(body in input);
        let (mut name, mut stacks, mut heap) = (None, None, None);
        let (mut max_us, mut on_fault) = (None, None);
        let mut secret = None;
        let mut services = None;
        while !body.is_empty() {
            let key: Ident = body.parse()?;
            let slot = match key.to_string().as_str() {
                "name" => &mut name,
                "stacks" => &mut stacks,
                "heap" => &mut heap,
                "max_us" => &mut max_us,
                "on_fault" => &mut on_fault,
                "secret" => &mut secret,
                "services" => {
                    body.parse::<Token![:]>()?;
                    if services.replace(list(&body)?).is_some() {
                        return Err(Error::new_spanned(&key, "`services` is given twice"));
                    }
                    if !body.is_empty() {
                        body.parse::<Token![,]>()?;
                    }
                    continue;
                }
                _ => {
                    return Err(refuse(
                        &key,
                        format!("a compartment has no field `{key}`"),
                        "the fields are `name`, `stacks` (default 1), `heap` (default 0), \
                         `max_us` (default one second), `on_fault` (`End`, the default, \
                         `Kill` or `Audit`), `secret` (default false) and `services` (default `[]`)",
                    ))
                }
            };
            body.parse::<Token![:]>()?;
            if slot.replace(body.parse()?).is_some() {
                return Err(Error::new_spanned(&key, format!("`{key}` is given twice")));
            }
            if !body.is_empty() {
                body.parse::<Token![,]>()?;
            }
        }
        input.parse::<Option<Token![;]>>()?;

        Ok(Self {
            attrs,
            vis,
            ident,
            name: name.ok_or_else(|| {
                Error::new(
                    brace.span.join(),
                    "a compartment needs a name for logs and debugfs\n  help: add `name: c\"..\"`",
                )
            })?,
            stacks,
            heap,
            max_us,
            on_fault,
            secret,
            services: services.unwrap_or_default(),
        })
    }
}

/// `[one, path::to::another]`
fn list(input: ParseStream<'_>) -> Result<Vec<Path>> {
    let items;
    bracketed!(items in input);
    let items = items.parse_terminated(Path::parse_mod_style, Token![,])?;
    Ok(items.into_iter().collect())
}

pub(crate) fn compartment(declaration: Declaration) -> TokenStream {
    let Declaration {
        attrs,
        vis,
        ident,
        name,
        stacks,
        heap,
        max_us,
        on_fault,
        secret,
        services,
    } = declaration;
    let [start, end] = text_bounds(&ident);
    let stacks = stacks.map_or(quote!(1), |stacks| quote!(#stacks));
    let heap = heap.map_or(quote!(0), |heap| quote!(#heap));
    let max_us = max_us.map_or(quote!(::kernel::undertow::DEFAULT_MAX_US), |us| quote!(#us));
    let on_fault = on_fault.map_or(quote!(End), |on_fault| quote!(#on_fault));
    let secret = secret.map_or(quote!(false), |secret| quote!(#secret));

    quote! {
        #(#attrs)*
        #vis static #ident: ::kernel::undertow::Compartment = {
            // Defined by the link tool; only their addresses mean something.
            extern "C" {
                #[link_name = #start]
                static __UT_TEXT_START: u8;
                #[link_name = #end]
                static __UT_TEXT_END: u8;
            }

            fn __ut_text() -> (usize, usize) {
                (
                    (&raw const __UT_TEXT_START).addr(),
                    (&raw const __UT_TEXT_END).addr(),
                )
            }

            static DESCRIPTOR: ::kernel::undertow::Descriptor = ::kernel::undertow::Descriptor {
                name: #name,
                text: __ut_text,
                stacks: #stacks,
                heap: #heap,
                max_us: #max_us,
                on_fault: ::kernel::undertow::OnFault::#on_fault,
                secret: #secret,
                services: &[#(&#services::SERVICE),*],
            };

            ::kernel::undertow::Compartment::new(&DESCRIPTOR)
        };
    }
}
