//! The catalogue of errors is complete: every code that the API, the host or a shipped plugin can answer stands in
//! `docs/errors.md`, and what stands there can be answered.

use std::{collections::BTreeSet, fs};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::{
    Violations,
    model::{self, House, SourceFile},
};

/// Where codes are given: what is called, and which of its texts is the code.
const GIVEN_BY: &[(&str, &str, usize)] =
    &[("Refusal", "new", 0), ("Refusal", "field", 1), ("PluginError", "permanent", 0), ("PluginError", "retryable", 0)];

/// Not shipped, or no part of a server: what they answer is nobody's to look up.
const NEVER_SHIPPED: &[&str] =
    &["plugins/rogue/", "plugins/video-rest/", "plugins/events-rest/", "plugins/testkit/", "plugins/sdk/src/cassette/"];

/// Every code of the product is in the catalogue.
pub fn documented(house: &House) -> Violations {
    let written = written();
    let missing = given(house).into_iter().filter(|(code, _)| !written.contains(code));
    missing.map(|(code, path)| format!("{path} answers {code}, which is not in docs/errors.md")).collect()
}

/// Every code of the catalogue is said somewhere.
pub fn answered(house: &House) -> Violations {
    let said: String = product(house).map(product_text).collect();
    let unsaid = written().into_iter().filter(|code| {
        // Codes of a provider are put together from its name and the rest.
        let word = code.strip_prefix("…_").unwrap_or(code);
        !said.contains(&format!("\"{word}\""))
    });
    unsaid.map(|code| format!("docs/errors.md has {code}, which nothing answers")).collect()
}

/// The codes in the first column of the catalogue's tables.
fn written() -> BTreeSet<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split(" | ").next());
    let codes = rows.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>());
    codes.filter(|code| is_code(code)).collect()
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_…".contains(c))
}

/// Codes with the files that give them.
fn given(house: &House) -> BTreeSet<(String, String)> {
    let mut codes = BTreeSet::new();
    for file in product(house) {
        let tokens: TokenStream = product_text(file).parse().unwrap();
        model::visit(&tokens, &mut |sequence| {
            let found = [in_calls(sequence), in_catalogues(sequence), in_provider(sequence), in_values(sequence)];
            codes
                .extend(found.into_iter().flatten().filter(|code| is_code(code)).map(|code| (code, file.path.clone())));
        });
    }
    codes
}

fn product(house: &House) -> impl Iterator<Item = &SourceFile> {
    let shipped = |file: &&SourceFile| !NEVER_SHIPPED.iter().any(|folder| file.path.starts_with(folder));
    house.crates.iter().flat_map(|room| &room.files).filter(|file| !file.is_for_tests()).filter(shipped)
}

/// A file without the tests at its end.
fn product_text(file: &SourceFile) -> &str {
    file.text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// `Refusal::new(kind, "code", …)` and the like.
fn in_calls(sequence: &[TokenTree]) -> Vec<String> {
    let calls = sequence.windows(5).filter_map(|window| match window {
        [
            TokenTree::Ident(owner),
            TokenTree::Punct(_),
            TokenTree::Punct(_),
            TokenTree::Ident(name),
            TokenTree::Group(arguments),
        ] => {
            let (.., place) = GIVEN_BY.iter().find(|(of, called, _)| owner == of && name == called)?;
            text(arguments, *place)
        }
        _ => None,
    });
    calls.collect()
}

/// The bodies of `refusals! { … Variant: Kind, "code", "sentence"; }`.
fn in_catalogues(sequence: &[TokenTree]) -> Vec<String> {
    let bodies = model::macro_bodies(sequence, "refusals").into_iter().flat_map(|body| {
        let mut codes = Vec::new();
        model::visit(&body, &mut |inside| {
            codes.extend(inside.windows(3).filter_map(|window| match window {
                [TokenTree::Ident(_), TokenTree::Punct(comma), TokenTree::Literal(code)] if comma.as_char() == ',' => {
                    unquoted(&code.to_string())
                }
                _ => None,
            }));
        });
        codes
    });
    bodies.collect()
}

/// `self.permanent("what", …)` and `self.retryable("what", …)` of a provider, whose name comes before.
fn in_provider(sequence: &[TokenTree]) -> Vec<String> {
    let calls = sequence.windows(3).filter_map(|window| match window {
        [TokenTree::Punct(dot), TokenTree::Ident(name), TokenTree::Group(arguments)]
            if dot.as_char() == '.' && (name == "permanent" || name == "retryable") =>
        {
            text(arguments, 0).map(|what| format!("…_{what}"))
        }
        _ => None,
    });
    calls.collect()
}

/// `code: "…"` of a value, `field(pointer, "…", …)`, and `=> "plugin_…"` of the host's own errors.
fn in_values(sequence: &[TokenTree]) -> Vec<String> {
    let values = sequence.windows(3).filter_map(|window| match window {
        [TokenTree::Ident(name), TokenTree::Punct(colon), TokenTree::Literal(code)]
            if name == "code" && colon.as_char() == ':' =>
        {
            unquoted(&code.to_string())
        }
        [TokenTree::Punct(_), TokenTree::Punct(arrow), TokenTree::Literal(code)] if arrow.as_char() == '>' => {
            unquoted(&code.to_string()).filter(|code| code.starts_with("plugin_"))
        }
        _ => None,
    });
    let fields = sequence.windows(2).filter_map(|window| match window {
        [TokenTree::Ident(name), TokenTree::Group(arguments)] if name == "field" => text(arguments, 1),
        _ => None,
    });
    values.chain(fields).collect()
}

/// The text at this place among the texts that are arguments.
fn text(arguments: &Group, place: usize) -> Option<String> {
    if arguments.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let mut texts = arguments.stream().into_iter().filter_map(|token| match token {
        TokenTree::Literal(literal) => unquoted(&literal.to_string()),
        _ => None,
    });
    texts.nth(place)
}

fn unquoted(literal: &str) -> Option<String> {
    Some(literal.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

#[test]
fn a_code_is_found_wherever_it_is_given() {
    let tokens = |text: &str| text.parse::<TokenStream>().unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(in_calls(&tokens(r#"Refusal::new(RefusalKind::Conflict, "taken", "It is.")"#)), ["taken"]);
    assert_eq!(in_calls(&tokens(r#"PluginError::retryable("down", format!("{}", 1)).after(3)"#)), ["down"]);
    assert_eq!(in_calls(&tokens(r#"Refusal::field("/a", "too_long", "at most 3")"#)), ["too_long"]);
    assert_eq!(in_calls(&tokens("PluginError::permanent(code, message)")), Vec::<String>::new());
    let module = r#"refusals! { /// Why.
        pub enum No { Gone: NotFound, "gone", "It is gone."; Late: Conflict, "late", "Too late."; } }"#;
    assert_eq!(in_catalogues(&tokens(module)), ["gone", "late"]);
    assert_eq!(
        in_values(&tokens(r#"code: "weak".into(), Self::Busy => "plugin_busy", Kind::A => "other""#)),
        ["weak", "plugin_busy"]
    );
    assert_eq!(in_values(&tokens(r#"field("/url", "not_https", "…")"#)), ["not_https"]);
    assert_eq!(in_provider(&tokens(r#"self.retryable("unavailable", message)"#)), ["…_unavailable"]);
}
