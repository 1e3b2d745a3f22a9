//! Structs.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{DataStruct, DeriveInput, Error, Fields, Ident, LitStr, Type};

use crate::attributes::{Container, Member, Rule};

/// A field that is sent.
struct Sent<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    name: LitStr,
}

pub(crate) fn body(
    input: &DeriveInput,
    data: &DataStruct,
    container: &Container,
) -> syn::Result<TokenStream> {
    if container.represents.is_some() {
        return Err(Error::new_spanned(
            &input.ident,
            "a struct is a struct in Go: `interface` and `as` are for enums",
        ));
    }
    match &data.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(newtype(&fields.unnamed[0].ty, container)),
        Fields::Unnamed(fields) => Err(Error::new_spanned(
            fields,
            "Go has no tuples: name the fields, such as `struct Pair { #[serde(rename = \"First\")] first: A, … }`",
        )),
        Fields::Named(_) | Fields::Unit => {
            let mut sent = Vec::new();
            for field in &data.fields {
                let member = Member::parse(&field.attrs)?;
                if !member.is_skipped {
                    let ident = field.ident.as_ref().expect("named fields have names");
                    sent.push(Sent { ident, ty: &field.ty, name: field_name(ident, member, container)? });
                }
            }
            no_name_twice(&sent)?;
            if sent.is_empty() && !data.fields.is_empty() {
                return Err(Error::new_spanned(
                    &data.fields,
                    "Go sends no struct whose fields are all kept back: send one, or write a struct without fields",
                ));
            }
            Ok(structure(input, &sent, container))
        }
    }
}

/// A type of its own in Rust, what it is made of in Go's format.
fn newtype(ty: &Type, container: &Container) -> TokenStream {
    let path = &container.path;
    quote! {
        fn go_type() -> #path::GoType {
            <#ty as #path::Gob>::go_type()
        }

        fn is_zero(&self) -> bool {
            #path::Gob::is_zero(&self.0)
        }

        fn encode(&self, writer: &mut #path::Writer<'_>) -> ::core::result::Result<(), #path::EncodeError> {
            #path::Gob::encode(&self.0, writer)
        }
    }
}

fn structure(input: &DeriveInput, sent: &[Sent<'_>], container: &Container) -> TokenStream {
    let path = &container.path;
    let name = container
        .name
        .clone()
        .unwrap_or_else(|| LitStr::new(&input.ident.unraw().to_string(), input.ident.span()));
    let fields = sent.iter().map(|Sent { ty, name, .. }| {
        quote! { #path::Field { name: #name, go_type: <#ty as #path::Gob>::go_type } }
    });
    let writes = sent.iter().enumerate().map(|(index, Sent { ident, name, .. })| {
        quote! { fields.field(#index, #name, &self.#ident)?; }
    });
    let fields_binding = format_ident!("fields");
    let mutable = (!sent.is_empty()).then(|| quote!(mut));
    quote! {
        fn go_type() -> #path::GoType {
            #path::GoType::new::<Self>(#path::Kind::Struct(#name, &[#(#fields),*]))
        }

        #[inline]
        fn is_zero(&self) -> bool {
            false
        }

        #[inline]
        fn encode(&self, writer: &mut #path::Writer<'_>) -> ::core::result::Result<(), #path::EncodeError> {
            let #mutable #fields_binding = writer.structure()?;
            #(#writes)*
            fields.end();
            ::core::result::Result::Ok(())
        }
    }
}

/// What Go calls a field. It must be one that Go can read.
fn field_name(ident: &Ident, member: Member, container: &Container) -> syn::Result<LitStr> {
    let rust = ident.unraw().to_string();
    let name = member.name.unwrap_or_else(|| {
        let name = container.rename_all.map_or_else(|| rust.clone(), |rule| rule.of_field(&rust));
        LitStr::new(&name, ident.span())
    });
    let text = name.value();
    if !is_exported(&text) {
        let better = Rule::Pascal.of_field(&rust);
        return Err(Error::new(
            name.span(),
            format!(
                "Go cannot read a field `{text}`: its fields begin with a capital letter; write \
                 #[serde(rename = \"{better}\")] or #[gob(name = \"{better}\")] on it, or \
                 #[serde(rename_all = \"PascalCase\")] on the struct (and mind Go's initialisms: `ID`, `URL`)"
            ),
        ));
    }
    Ok(name)
}

/// A capital letter, then letters, digits and underscores.
fn is_exported(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn no_name_twice(sent: &[Sent<'_>]) -> syn::Result<()> {
    for (at, field) in sent.iter().enumerate() {
        let name = field.name.value();
        if sent[..at].iter().any(|earlier| earlier.name.value() == name) {
            return Err(Error::new(field.name.span(), format!("Go cannot read two fields called `{name}`")));
        }
    }
    Ok(())
}
