//! Enums: Go has none, so each says what it stands for.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{DataEnum, DeriveInput, Error, Fields, LitStr, Variant};

use crate::attributes::{Container, Member, Represents};

pub(crate) fn body(input: &DeriveInput, data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    match container.represents {
        None => Err(Error::new_spanned(
            &input.ident,
            "Go has no enums: say #[gob(interface)] if each variant holds one type that an interface may hold, or \
             #[gob(as = \"string\")] or #[gob(as = \"int\")] if none holds anything",
        )),
        Some(_) if data.variants.is_empty() => {
            Err(Error::new_spanned(&input.ident, "an enum without variants has no value to send"))
        }
        Some(Represents::Interface) => interface(data, container),
        Some(Represents::String) => strings(data, container),
        Some(represents @ (Represents::Int | Represents::Uint)) => numbers(data, container, represents),
    }
}

/// A variant for each type that the interface may hold, called as Go registers it.
fn interface(data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    let path = &container.path;
    let mut arms = Vec::new();
    for variant in &data.variants {
        let (ident, name) = (&variant.ident, variant_name(variant, container)?);
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                arms.push(quote! { Self::#ident(value) => writer.interface(#name, value), });
            }
            _ => {
                return Err(Error::new_spanned(
                    variant,
                    "a variant of an interface holds one type: write `Circle(Circle)`; nil is `Option` around the enum",
                ));
            }
        }
    }
    Ok(quote! {
        fn go_type() -> #path::GoType {
            #path::GoType::new::<Self>(#path::Kind::Interface)
        }

        fn is_zero(&self) -> bool {
            false
        }

        fn encode(&self, writer: &mut #path::Writer<'_>) -> ::core::result::Result<(), #path::EncodeError> {
            match self { #(#arms)* }
        }
    })
}

fn strings(data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    let path = &container.path;
    let mut arms = Vec::new();
    for variant in &data.variants {
        nothing_inside(variant)?;
        let (ident, name) = (&variant.ident, variant_name(variant, container)?);
        arms.push(quote! { Self::#ident => #name, });
    }
    Ok(quote! {
        fn go_type() -> #path::GoType {
            <str as #path::Gob>::go_type()
        }

        fn is_zero(&self) -> bool {
            let text: &str = match self { #(#arms)* };
            text.is_empty()
        }

        fn encode(&self, writer: &mut #path::Writer<'_>) -> ::core::result::Result<(), #path::EncodeError> {
            let text: &str = match self { #(#arms)* };
            writer.bytes(text.as_bytes());
            ::core::result::Result::Ok(())
        }
    })
}

/// The variants' places, as Go counts constants with `iota`, and as serde counts variants.
fn numbers(data: &DataEnum, container: &Container, represents: Represents) -> syn::Result<TokenStream> {
    let path = &container.path;
    let mut arms = Vec::new();
    for (index, variant) in data.variants.iter().enumerate() {
        nothing_inside(variant)?;
        if let Some((_, discriminant)) = &variant.discriminant {
            return Err(Error::new_spanned(
                discriminant,
                "variants are counted from 0, as with `iota`: serde knows no other numbers; use constants of an \
                 integer type instead",
            ));
        }
        let (ident, index) = (&variant.ident, u32::try_from(index).expect("few variants"));
        arms.push(quote! { Self::#ident => #index, });
    }
    let (go_type, write) = match represents {
        Represents::Uint => (quote!(u32), quote!(writer.uint(u64::from(index)))),
        _ => (quote!(i32), quote!(writer.int(i64::from(index)))),
    };
    Ok(quote! {
        fn go_type() -> #path::GoType {
            <#go_type as #path::Gob>::go_type()
        }

        fn is_zero(&self) -> bool {
            let index: u32 = match self { #(#arms)* };
            index == 0
        }

        fn encode(&self, writer: &mut #path::Writer<'_>) -> ::core::result::Result<(), #path::EncodeError> {
            let index: u32 = match self { #(#arms)* };
            #write;
            ::core::result::Result::Ok(())
        }
    })
}

fn nothing_inside(variant: &Variant) -> syn::Result<()> {
    match variant.fields {
        Fields::Unit => Ok(()),
        _ => Err(Error::new_spanned(variant, "what stands for a string or a number has no room for content")),
    }
}

fn variant_name(variant: &Variant, container: &Container) -> syn::Result<LitStr> {
    let member = Member::parse(&variant.attrs)?;
    if member.is_skipped {
        return Err(Error::new_spanned(
            variant,
            "a variant cannot be skipped: it would have nothing to send",
        ));
    }
    let rust = variant.ident.unraw().to_string();
    let name = container.rename_all.map_or_else(|| rust.clone(), |rule| rule.of_variant(&rust));
    Ok(member.name.unwrap_or_else(|| LitStr::new(&name, variant.ident.span())))
}
