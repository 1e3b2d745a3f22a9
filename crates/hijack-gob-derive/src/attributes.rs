//! What `#[gob(…)]` and `#[serde(…)]` say: names above all, which serve both directions if serde has them.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Path, Token, parse_quote};

/// What is said of a whole type.
pub(crate) struct Container {
    /// Where the library is.
    pub(crate) path: Path,
    /// The name of the type in Go.
    pub(crate) name: Option<LitStr>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) represents: Option<Represents>,
}

/// How all fields or variants are renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Pascal,
    Upper,
    Lower,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

/// What an enum is in Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Represents {
    Interface,
    String,
    Int,
    Uint,
}

/// What is said of a field or a variant.
#[derive(Default)]
pub(crate) struct Member {
    pub(crate) name: Option<LitStr>,
    pub(crate) is_skipped: bool,
}

impl Container {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut container =
            Self { path: parse_quote!(::hijack_gob), name: None, rename_all: None, represents: None };
        let mut rename_all = None;
        each(attributes, "serde", |meta| {
            if meta.path.is_ident("rename_all") {
                rename_all = rule_of(meta)?;
            } else {
                ignore(meta)?;
            }
            Ok(())
        })?;
        container.rename_all = rename_all;
        each(attributes, "gob", |meta| container.read(meta))?;
        Ok(container)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("crate") {
            self.path = meta.value()?.parse::<LitStr>()?.parse()?;
        } else if meta.path.is_ident("name") {
            self.name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("rename_all") {
            self.rename_all = rule_of(meta)?;
        } else if meta.path.is_ident("interface") {
            self.represents = Some(Represents::Interface);
        } else if meta.path.is_ident("as") {
            let text: LitStr = meta.value()?.parse()?;
            self.represents = Some(match &*text.value() {
                "string" => Represents::String,
                "int" => Represents::Int,
                "uint" => Represents::Uint,
                _ => {
                    return Err(Error::new_spanned(
                        text,
                        "an enum can stand for \"string\", \"int\" or \"uint\"",
                    ));
                }
            });
        } else {
            return Err(
                meta.error("`gob` knows `name`, `rename_all`, `interface`, `as` and `crate` of a type")
            );
        }
        Ok(())
    }
}

impl Member {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut member = Self::default();
        each(attributes, "serde", |meta| {
            if meta.path.is_ident("rename") {
                if let Some(name) = rename_of(meta)? {
                    member.name = Some(name);
                }
            } else if meta.path.is_ident("skip") || meta.path.is_ident("skip_serializing") {
                member.is_skipped = true;
            } else if meta.path.is_ident("flatten") {
                return Err(meta.error(
                    "Go has no flattened fields: what a struct embeds is a field called after its type; \
                     name it with #[serde(rename = \"Type\")]",
                ));
            } else {
                ignore(meta)?;
            }
            Ok(())
        })?;
        each(attributes, "gob", |meta| {
            if meta.path.is_ident("name") {
                member.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("skip") {
                member.is_skipped = true;
            } else {
                return Err(meta.error("`gob` knows `name` and `skip` of a field or variant"));
            }
            Ok(())
        })?;
        Ok(member)
    }
}

impl Rule {
    fn parse(text: &LitStr) -> syn::Result<Self> {
        Ok(match &*text.value() {
            "PascalCase" => Self::Pascal,
            "UPPERCASE" => Self::Upper,
            "lowercase" => Self::Lower,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => {
                return Err(Error::new_spanned(
                    text,
                    "no case that serde knows; Go's fields are \"PascalCase\"",
                ));
            }
        })
    }

    /// As serde renames a field.
    pub(crate) fn of_field(self, field: &str) -> String {
        match self {
            Self::Pascal => field.split('_').map(capital).collect(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Camel => small(&Self::Pascal.of_field(field)),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// As serde renames a variant.
    pub(crate) fn of_variant(self, variant: &str) -> String {
        let snake = || {
            let mut snake = String::new();
            for (at, letter) in variant.char_indices() {
                if at > 0 && letter.is_uppercase() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            snake
        };
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => small(variant),
            Self::Snake => snake(),
            Self::ScreamingSnake => snake().to_ascii_uppercase(),
            Self::Kebab => snake().replace('_', "-"),
            Self::ScreamingKebab => snake().to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn small(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

fn each(
    attributes: &[Attribute],
    name: &str,
    mut read: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        attribute.parse_nested_meta(|meta| read(&meta))?;
    }
    Ok(())
}

/// `rename = "A"` or `rename(serialize = "A", deserialize = "B")`, of which the first is meant.
fn rename_of(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse().map(Some);
    }
    let mut name = None;
    meta.parse_nested_meta(|meta| {
        let text: LitStr = meta.value()?.parse()?;
        if meta.path.is_ident("serialize") {
            name = Some(text);
        }
        Ok(())
    })?;
    Ok(name)
}

fn rule_of(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<Rule>> {
    rename_of(meta)?.as_ref().map(Rule::parse).transpose()
}

/// What serde says beside names is serde's.
fn ignore(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        let value: Expr = meta.value()?.parse()?;
        if let Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) = value {
            return Ok(());
        }
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|meta| ignore(&meta))?;
    }
    Ok(())
}
