// SPDX-License-Identifier: GPL-2.0

//! `#[undertow::isolated(COMPARTMENT)]`: splits a function into its halves on both sides of the
//! gate.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    parse::{
        Parse,
        ParseStream, //
    },
    Error,
    Expr,
    FnArg,
    Ident,
    ItemFn,
    Pat,
    Path,
    Result,
    ReturnType,
    Signature,
    Token,
    Type, //
};

use super::{
    entry_section,
    refuse,
    shape, //
};

/// What stands in the parentheses: `COMPARTMENT` or `COMPARTMENT, on_fault = value`.
pub(crate) struct Options {
    compartment: Path,
    on_fault: Option<Expr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Err(input.error(
                "which compartment?\n  help: write `#[undertow::isolated(NAME)]` with a static of \
                 `undertow::compartment!`",
            ));
        }
        let compartment = input.parse()?;
        let mut on_fault = None;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let key: Ident = input.parse()?;
            if key != "on_fault" {
                return Err(refuse(
                    &key,
                    format!("`isolated` has no option `{key}`"),
                    "the only option is `on_fault = value`",
                ));
            }
            input.parse::<Token![=]>()?;
            if on_fault.replace(input.parse()?).is_some() {
                return Err(Error::new_spanned(&key, "`on_fault` is given twice"));
            }
        }
        Ok(Self {
            compartment,
            on_fault,
        })
    }
}

/// Refuses functions whose kind, rather than types, cannot be isolated.
fn check_signature(sig: &Signature) -> Result<()> {
    if let Some(token) = &sig.asyncness {
        return Err(refuse(
            token,
            "an isolated function cannot be `async`: its future would be polled outside",
            "isolate the plain function that does the work, and call it from the future",
        ));
    }
    if let Some(token) = &sig.unsafety {
        return Err(refuse(
            token,
            "an isolated function cannot be `unsafe`: callers would vouch for memory that the \
             compartment does not have",
            "make it safe and pass what it needs as `&[T]`, `&mut [T]` or values",
        ));
    }
    if let Some(token) = &sig.constness {
        return Err(refuse(
            token,
            "an isolated function cannot be `const`: there is no gate at compile time",
            "remove `const`",
        ));
    }
    if let Some(token) = &sig.abi {
        return Err(refuse(
            token,
            "an isolated function has the Rust calling convention",
            "remove `extern`, and write an `extern \"C\"` function that calls this one",
        ));
    }
    if !sig.generics.params.is_empty() {
        return Err(refuse(
            &sig.generics.params,
            "an isolated function cannot be generic: the link tool needs one concrete entry",
            "use concrete types here; code that is called from the body may be generic",
        ));
    }
    if let Some(clause) = &sig.generics.where_clause {
        return Err(Error::new_spanned(
            clause,
            "an isolated function has no `where` clause",
        ));
    }
    if let Some(variadic) = &sig.variadic {
        return Err(Error::new_spanned(
            variadic,
            "an isolated function cannot be variadic",
        ));
    }
    if sig.inputs.len() > shape::MAX_TUPLE {
        return Err(refuse(
            &sig.inputs,
            format!(
                "an isolated function has at most {} parameters",
                shape::MAX_TUPLE
            ),
            "gather some of them in a `#[repr(C)]` struct that derives the `zerocopy` traits",
        ));
    }
    Ok(())
}

/// Returns name and type of a parameter of `whose` function.
pub(super) fn name_and_type<'a>(input: &'a FnArg, whose: &str) -> Result<(&'a Ident, &'a Type)> {
    let input = match input {
        FnArg::Receiver(receiver) => {
            return Err(refuse(
                receiver,
                format!("{whose} has no `self`: the object belongs to the other side"),
                "make it a free function that takes what it needs from the object",
            ))
        }
        FnArg::Typed(input) => input,
    };
    match &*input.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            Ok((&name.ident, &input.ty))
        }
        pattern => Err(refuse(
            pattern,
            format!("a parameter of {whose} is a plain name"),
            "take it apart in the body",
        )),
    }
}

pub(crate) fn isolated(options: Options, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = syn::parse2(item.clone()).map_err(|_| {
        refuse(
            item,
            "`isolated` goes on a function with a body",
            "put it on each function that callers outside the compartment use",
        )
    })?;
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = &function;
    check_signature(sig)?;

    let (mut names, mut types, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for input in &sig.inputs {
        let (name, ty) = name_and_type(input, "an isolated function")?;
        names.push(name);
        types.push(ty);
        kinds.push(shape::param(ty)?);
    }
    let output = match &sig.output {
        ReturnType::Default => shape::value(&syn::parse_quote!(()))?,
        ReturnType::Type(_, ty) => shape::value(ty)?,
    };

    let on_fault = match &options.on_fault {
        Some(value) => quote!(#value),
        None if shape::returns_result(&sig.output) => quote! {
            ::core::result::Result::Err(::kernel::error::Error::from(__ut_fault))
        },
        None => {
            return Err(refuse(
                sig,
                "callers could not learn that the compartment failed",
                "return `Result<..>`, or name the value they get instead: \
                 `#[undertow::isolated(NAME, on_fault = value)]`",
            ))
        }
    };

    let compartment = &options.compartment;
    let Some(last) = compartment.segments.last() else {
        return Err(Error::new_spanned(compartment, "expected a static"));
    };
    let section = entry_section(&last.ident);
    let (ident, inputs, result) = (&sig.ident, &sig.inputs, &sig.output);

    Ok(quote! {
        #(#attrs)*
        #vis fn #ident(#(#names: #types),*) #result {
            // The body as its author wrote it: runs inside.
            fn __ut_body(#inputs) #result #block

            // Runs inside.
            #[link_section = #section]
            unsafe extern "C" fn __ut_entry(block: *mut u8) {
                // SAFETY: Only `call` below starts this, with the same parameter types.
                unsafe {
                    ::kernel::undertow::wire::serve::<(#(#kinds,)*), #output>(
                        block,
                        |(#(#names,)*)| __ut_body(#(#names),*),
                    )
                }
            }

            // SAFETY: The entry above passes its argument to `serve` with the same types.
            let __ut_outcome = unsafe {
                ::kernel::undertow::wire::call::<(#(#kinds,)*), #output>(
                    &#compartment,
                    __ut_entry,
                    (#(#names,)*),
                )
            };
            match __ut_outcome {
                ::core::result::Result::Ok(__ut_value) => __ut_value,
                #[allow(unused_variables)]
                ::core::result::Result::Err(__ut_fault) => #on_fault,
            }
        }
    })
}
