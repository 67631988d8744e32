// SPDX-License-Identifier: GPL-2.0

//! How the types of a signature cross: the names that `kernel::undertow::wire` has for them.
//!
//! What is refused here is refused for the message's sake: the traits of `wire` refuse the rest,
//! whatever it is called.

use proc_macro2::TokenStream;
use quote::{
    quote,
    quote_spanned, //
};
use syn::{
    spanned::Spanned,
    GenericArgument,
    Path,
    PathArguments,
    Result,
    ReturnType,
    Type,
    TypeReference, //
};

use super::refuse;

/// The largest tuple that `wire` knows, and so the most parameters that a function can have.
pub(super) const MAX_TUPLE: usize = 6;

/// The kind of a parameter, an implementor of `wire::Param`.
pub(super) fn param(ty: &Type) -> Result<TokenStream> {
    match ty {
        Type::Paren(ty) => param(&ty.elem),
        Type::Group(ty) => param(&ty.elem),
        Type::Reference(ty) => borrowed(ty),
        _ => {
            let kind = value(ty)?;
            Ok(quote_spanned!(ty.span()=> ::kernel::undertow::wire::ByValue<#kind>))
        }
    }
}

fn borrowed(reference: &TypeReference) -> Result<TokenStream> {
    let target = &*reference.elem;
    let mutable = reference.mutability.is_some();

    if let Some(lifetime) = &reference.lifetime {
        return Err(refuse(
            lifetime,
            "an isolated function has no named lifetimes",
            "leave it out: a borrow lasts for the call, and nothing borrowed can be returned",
        ));
    }
    if is_path_to(target, "str") {
        if mutable {
            return Err(refuse(
                reference,
                "`&mut str` cannot come back from a compartment, which may have broken its UTF-8",
                "pass `&mut [u8]` and check it with `str::from_utf8` afterwards",
            ));
        }
        return Ok(quote_spanned!(target.span()=> ::kernel::undertow::wire::Str));
    }
    if is_path_to(target, "CStr") {
        return Err(refuse(
            reference,
            "`&CStr` does not cross into a compartment",
            "pass `.to_bytes()` as `&[u8]`",
        ));
    }

    let (kind, element) = match target {
        Type::Slice(slice) if mutable => (quote!(SliceMut), &*slice.elem),
        Type::Slice(slice) => (quote!(Slice), &*slice.elem),
        _ if mutable => (quote!(Mut), target),
        _ => (quote!(Ref), target),
    };
    check_carried(element)?;
    Ok(quote_spanned!(element.span()=> ::kernel::undertow::wire::#kind<#element>))
}

/// The kind of a value, an implementor of `wire::Wire`.
pub(super) fn value(ty: &Type) -> Result<TokenStream> {
    match ty {
        Type::Paren(ty) => value(&ty.elem),
        Type::Group(ty) => value(&ty.elem),
        Type::Tuple(tuple) if tuple.elems.len() > MAX_TUPLE => Err(refuse(
            tuple,
            format!("a tuple of more than {MAX_TUPLE} does not cross into a compartment"),
            "use a `#[repr(C)]` struct that derives the `zerocopy` traits",
        )),
        Type::Tuple(tuple) if !tuple.elems.is_empty() => {
            let kinds = tuple.elems.iter().map(value).collect::<Result<Vec<_>>>()?;
            Ok(quote!((#(#kinds,)*)))
        }
        Type::Path(path) => match container(&path.path) {
            Some(Container::Option(payload)) => {
                let kind = value(payload)?;
                Ok(quote_spanned!(ty.span()=> ::kernel::undertow::wire::Opt<#kind>))
            }
            Some(Container::Result(payload, error)) => {
                if let Some(error) = error.filter(|error| !is_path_to(error, "Error")) {
                    return Err(refuse(
                        error,
                        "the error of an isolated function is `kernel::error::Error`",
                        "return `Result<T>`; a fault of the compartment must fit in as well",
                    ));
                }
                let kind = payload.map_or_else(|| plain(quote!(())), value)?;
                Ok(quote_spanned!(ty.span()=> ::kernel::undertow::wire::Res<#kind>))
            }
            None => plain(quote!(#ty)),
        },
        _ => {
            check_carried(ty)?;
            plain(quote!(#ty))
        }
    }
}

fn plain(ty: TokenStream) -> Result<TokenStream> {
    // With the span of the type, so that the compiler's objections point there.
    Ok(quote_spanned!(ty.span()=> ::kernel::undertow::wire::Plain<#ty>))
}

/// Whether the function returns a `Result`, so that a fault can be returned as an error.
pub(super) fn returns_result(output: &ReturnType) -> bool {
    match output {
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(path) => matches!(container(&path.path), Some(Container::Result(..))),
            _ => false,
        },
        ReturnType::Default => false,
    }
}

/// Refuses types that can never be carried byte by byte, each with its own advice.
fn check_carried(ty: &Type) -> Result<()> {
    let (what, help) = match ty {
        Type::Paren(ty) => return check_carried(&ty.elem),
        Type::Group(ty) => return check_carried(&ty.elem),
        Type::Array(array) => return check_carried(&array.elem),
        Type::Path(_) | Type::Macro(_) => return Ok(()),
        Type::Tuple(tuple) if tuple.elems.is_empty() => return Ok(()),
        Type::Tuple(_) => (
            "a tuple has no fixed layout, so it cannot be borrowed across the gate",
            "pass it by value, or use a `#[repr(C)]` struct that derives the `zerocopy` traits",
        ),
        Type::Ptr(_) => (
            "a raw pointer does not cross the gate: it says nothing about who may use it",
            "pass `&[T]`, `&mut [T]` or a value",
        ),
        Type::Reference(_) => (
            "only a parameter itself can be a reference",
            "pass the inner data as a parameter of its own, or by value; return values, not \
             borrows",
        ),
        Type::BareFn(_) | Type::ImplTrait(_) | Type::TraitObject(_) => (
            "functions, closures and trait objects do not cross the gate: they are code of the \
             other side",
            "pass data, and decide inside the compartment what to do with it",
        ),
        Type::Never(_) => (
            "an isolated function must return",
            "return `Result`; nothing ends a compartment that does not return",
        ),
        _ => (
            "this type does not cross into a compartment",
            "spell out a concrete type: integers, `bool`, arrays, tuples, slices, or a \
             `#[repr(C)]` struct that derives the `zerocopy` traits",
        ),
    };
    Err(refuse(ty, what, help))
}

enum Container<'a> {
    Option(&'a Type),
    Result(Option<&'a Type>, Option<&'a Type>),
}

/// Recognises `Option<T>`, `Result`, `Result<T>` and `Result<T, E>` by their last name.
fn container(path: &Path) -> Option<Container<'_>> {
    let last = path.segments.last()?;
    let types: Vec<_> = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };

    match (last.ident.to_string().as_str(), types.as_slice()) {
        ("Option", [payload]) => Some(Container::Option(payload)),
        ("Result", []) => Some(Container::Result(None, None)),
        ("Result", [payload]) => Some(Container::Result(Some(payload), None)),
        ("Result", [payload, error]) => Some(Container::Result(Some(payload), Some(error))),
        _ => None,
    }
}

fn is_path_to(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == name))
}
