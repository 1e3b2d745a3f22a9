//! `#[derive(Gob)]` of `hijack-gob`, which documents it.

mod attributes;
mod enums;
mod structs;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Generics, parse_macro_input, parse_quote};

use crate::attributes::Container;

/// The Go type of a struct, or of an enum that stands for an interface, a string or an integer.
///
/// Names are those that serde has, so that a struct with `Deserialize` says them once: `#[serde(rename = "UserID")]`,
/// `#[serde(rename_all = "PascalCase")]`, `#[serde(skip)]`. Without serde, or where the directions differ, `gob` says
/// them: `#[gob(name = "UserID")]` and `#[gob(skip)]` on a field, `#[gob(rename_all = "PascalCase")]` on a type. What
/// Go could not read does not compile, and the message says what to write.
///
/// ```
/// use hijack_gob::Gob;
///
/// #[derive(Gob)]
/// #[gob(rename_all = "PascalCase")]
/// struct User {
///     name: String,
///     #[gob(name = "UserID")]
///     user_id: u64,
///     #[gob(skip)]
///     cached: Option<String>,
///     home: Option<Box<User>>,
/// }
///
/// // type Celsius float64
/// #[derive(Gob)]
/// struct Celsius(f64);
/// ```
///
/// ```compile_fail
/// # use hijack_gob::Gob;
/// #[derive(Gob)]
/// struct User {
///     name: String, // Go cannot read a field `name`: its fields begin with a capital letter; write …
/// }
/// ```
///
/// | on a type | |
/// |---|---|
/// | `#[gob(name = "…")]` | its name in Go, of which Go makes no use; the Rust name otherwise |
/// | `#[gob(rename_all = "…")]` | a case for all names that are not renamed alone |
/// | `#[gob(interface)]` | an enum whose variants each hold a type that an interface may hold, renamed to the name under which Go registers it: `main.Circle`, `*shapes.Square`, `int` |
/// | `#[gob(as = "string")]` | an enum without content: the names of its variants |
/// | `#[gob(as = "int")]`, `"uint"` | an enum without content: the places of its variants, as with `iota` |
/// | `#[gob(crate = "…")]` | where `hijack_gob` is |
///
/// ```
/// # use hijack_gob::Gob;
/// # #[derive(Gob)]
/// # struct Circle { #[gob(name = "R")] r: f64 }
/// #[derive(Gob)]
/// #[gob(interface)]
/// enum Shape {
///     #[gob(name = "main.Circle")]
///     Circle(Circle),
///     #[gob(name = "float64")]
///     Radius(f64),
/// }
///
/// #[derive(Gob)]
/// #[gob(as = "string", rename_all = "lowercase")]
/// enum Colour { Red, Green }
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> String {
        let input: DeriveInput = syn::parse_str(code).expect(code);
        expand(&input).expect_err(code).to_string()
    }

    #[test]
    fn what_go_cannot_read_is_refused_with_a_cure() {
        for (code, words) in [
            (
                "struct S { user_id: u64 }",
                "its fields begin with a capital letter; write #[serde(rename = \"UserId\")]",
            ),
            ("struct S { #[gob(name = \"userID\")] user_id: u64 }", "Go cannot read a field `userID`"),
            ("struct S { #[serde(rename = \"A-B\")] a: u64 }", "Go cannot read a field `A-B`"),
            (
                "#[serde(rename_all = \"camelCase\")] struct S { user_id: u64 }",
                "Go cannot read a field `userId`",
            ),
            ("struct S { #[gob(name = \"A\")] a: u8, #[gob(name = \"A\")] b: u8 }", "two fields called `A`"),
            ("struct S { #[serde(flatten)] a: u8 }", "what a struct embeds is a field called after its type"),
            ("struct S { #[serde(skip)] a: u8 }", "Go sends no struct whose fields are all kept back"),
            ("struct S(u8, u8);", "Go has no tuples: name the fields"),
            ("enum E { A, B }", "Go has no enums: say #[gob(interface)]"),
            ("#[gob(interface)] enum E { A }", "write `Circle(Circle)`; nil is `Option` around the enum"),
            ("#[gob(as = \"string\")] enum E { A(u8) }", "no room for content"),
            ("#[gob(as = \"int\")] enum E { A = 5 }", "variants are counted from 0"),
            ("#[gob(as = \"float\")] enum E { A }", "can stand for \"string\", \"int\" or \"uint\""),
            ("#[gob(interface)] struct S {}", "`interface` and `as` are for enums"),
            ("#[gob(interface)] enum E {}", "an enum without variants"),
            ("#[gob(rename_all = \"Pascal\")] struct S {}", "Go's fields are \"PascalCase\""),
            ("#[gob(colour)] struct S {}", "`gob` knows `name`"),
            ("union U { a: u8 }", "Go cannot read a union"),
        ] {
            let refusal = refusal(code);
            assert!(refusal.contains(words), "{code}: {refusal}");
        }
    }

    #[test]
    fn names_are_those_of_serde_unless_gob_has_others() {
        let code = "#[serde(rename_all = \"PascalCase\", deny_unknown_fields, bound(deserialize = \"\"))] struct S<T> { \
                    user_name: T, #[serde(rename = \"UserID\", default)] user_id: u64, \
                    #[serde(rename(serialize = \"X\", deserialize = \"Y\"))] x: u8, \
                    #[serde(rename = \"A\")] #[gob(name = \"B\")] a: u8, #[serde(skip)] skipped: u8 }";
        let input: DeriveInput = syn::parse_str(code).expect("a struct");
        let code = expand(&input).expect("it can be sent").to_string();
        for name in ["\"UserName\"", "\"UserID\"", "\"X\"", "\"B\""] {
            assert!(code.contains(name), "{name} in {code}");
        }
        for name in ["\"Y\"", "\"A\"", "skipped"] {
            assert!(!code.contains(name), "{name} in {code}");
        }
    }
}
