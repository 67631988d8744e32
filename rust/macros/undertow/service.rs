// SPDX-License-Identifier: GPL-2.0

//! `#[undertow::service]`: splits a function of view 0 into what compartments call and what is done
//! for them.

use proc_macro2::TokenStream;
use quote::{
    format_ident,
    quote, //
};
use syn::{
    parse::{
        Parse,
        ParseStream, //
    },
    Ident,
    ItemFn,
    Result,
    ReturnType,
    Signature, //
};

use super::{
    isolated::name_and_type,
    refuse,
    service_section,
    shape, //
};

/// What stands in the parentheses: nothing, or `may_sleep`.
pub(crate) struct Options {
    may_sleep: bool,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Self { may_sleep: false });
        }
        let key: Ident = input.parse()?;
        if key != "may_sleep" {
            return Err(refuse(
                &key,
                format!("`service` has no option `{key}`"),
                "the only option is `may_sleep`",
            ));
        }
        Ok(Self { may_sleep: true })
    }
}

/// Refuses functions whose kind, rather than types, cannot be a service.
fn check_signature(sig: &Signature) -> Result<()> {
    let is_plain = sig.asyncness.is_none()
        && sig.unsafety.is_none()
        && sig.constness.is_none()
        && sig.abi.is_none()
        && sig.variadic.is_none()
        && sig.generics.params.is_empty()
        && sig.generics.where_clause.is_none();
    if !is_plain {
        return Err(refuse(
            sig,
            "a service is a plain function: not `async`, `unsafe`, `const`, `extern` or generic",
            "write one that calls what you have",
        ));
    }
    if sig.inputs.len() > shape::MAX_TUPLE {
        return Err(refuse(
            &sig.inputs,
            format!("a service has at most {} parameters", shape::MAX_TUPLE),
            "gather some of them in a `#[repr(C)]` struct that derives the `zerocopy` traits",
        ));
    }
    if !shape::returns_result(&sig.output) {
        return Err(refuse(
            sig,
            "a compartment could not learn that it was not served",
            "return `Result<..>`",
        ));
    }
    Ok(())
}

pub(crate) fn service(options: Options, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = syn::parse2(item.clone()).map_err(|_| {
        refuse(
            item,
            "`service` goes on a function with a body",
            "put it on a function of the module, not of an `impl`",
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
        let (name, ty) = name_and_type(input, "a service")?;
        names.push(name);
        types.push(ty);
        kinds.push(shape::param(ty)?);
    }
    let output = match &sig.output {
        ReturnType::Default => shape::value(&syn::parse_quote!(()))?,
        ReturnType::Type(_, ty) => shape::value(ty)?,
    };
    let section = service_section();
    let (ident, inputs, result) = (&sig.ident, &sig.inputs, &sig.output);
    let serve = format_ident!("__ut_serve_{}", ident);
    let label = syn::LitCStr::new(
        &std::ffi::CString::new(ident.to_string()).expect("an identifier has no zero byte"),
        ident.span(),
    );
    let may_sleep = options.may_sleep;

    Ok(quote! {
        // Runs inside, and in view 0 if it is called there.
        #(#attrs)*
        #vis fn #ident(#(#names: #types),*) #result {
            ::kernel::undertow::wire::ask::<(#(#kinds,)*), #output>(
                &#ident::SERVICE,
                (#(#names,)*),
            )?
        }

        // Runs in view 0, on a block that nobody else can change.
        #[doc(hidden)]
        fn #serve(
            block: &mut [u64],
        ) -> ::core::result::Result<(), ::kernel::undertow::Fault> {
            // The body as its author wrote it.
            fn __ut_body(#inputs) #result #block

            ::kernel::undertow::wire::answer::<(#(#kinds,)*), #output>(
                block,
                |(#(#names,)*)| __ut_body(#(#names),*),
            )
        }

        // What `services` of a compartment names.
        #[doc(hidden)]
        #vis mod #ident {
            #[link_section = #section]
            pub static SERVICE: ::kernel::undertow::Service =
                ::kernel::undertow::Service::new(#label, super::#serve, #may_sleep);
        }
    })
}
