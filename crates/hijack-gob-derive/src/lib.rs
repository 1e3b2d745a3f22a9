//! `#[derive(Gob)]` of `hijack-gob`, which documents it.

mod attributes;
mod enums;
mod structs;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Generics, parse_macro_input, parse_quote};

use crate::attributes::Container;

/// The Go type of a struct, or of an enum that stands for an interface, a string or an integer.
#[proc_macro_derive(Gob, attributes(gob, serde))]
pub fn derive_gob(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let container = Container::parse(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => structs::body(input, data, &container)?,
        Data::Enum(data) => enums::body(input, data, &container)?,
        Data::Union(data) => {
            return Err(Error::new_spanned(
                data.union_token,
                "Go cannot read a union: nobody knows which field it holds",
            ));
        }
    };
    let (name, path) = (&input.ident, &container.path);
    let generics = with_bounds(&input.generics, path);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #path::Gob for #name #type_generics #where_clause {
            #body
        }
    })
}

/// Every type parameter is sent to Go as well.
fn with_bounds(generics: &Generics, path: &syn::Path) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#path::Gob));
    }
    generics
}
