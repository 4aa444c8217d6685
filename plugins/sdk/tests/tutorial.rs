//! The tutorial shows the example as it is, and the example is what it says: small.

use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_tutorial_shows_the_example_as_it_is_built() {
    let tutorial = read("../../docs/plugins.md");
    for (language, file) in [("rust", "lib.rs"), ("toml", "plugin.toml")] {
        let source = read(&format!("examples/acme-video/{file}"));
        let block = format!("```{language}\n{source}```");
        assert!(tutorial.contains(&block), "docs/plugins.md does not show examples/acme-video/{file} as it is");
    }
}

#[test]
fn the_header_and_its_rust_reading_have_the_same_constants() {
    use consilium_plugin_sdk::{abi, contract::MAX_PAYLOAD};
    let header = read("include/consilium_plugin.h");
    let defined = |name: &str, value: String| {
        let line = header.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        assert!(line.is_some_and(|line| line.contains(&value)), "{name} is not {value}: {line:?}");
    };
    defined("CONSILIUM_MAGIC", format!("0x{:X}", abi::MAGIC));
    defined("CONSILIUM_ABI_MAJOR", abi::ABI_MAJOR.to_string());
    defined("CONSILIUM_ABI_MINOR", abi::ABI_MINOR.to_string());
    for (name, code) in [
        ("CONSILIUM_OK", abi::code::OK),
        ("CONSILIUM_ERROR", abi::code::ERROR),
        ("CONSILIUM_PANIC", abi::code::PANIC),
        ("CONSILIUM_INVALID", abi::code::INVALID),
        ("CONSILIUM_CANCELLED", abi::code::CANCELLED),
    ] {
        defined(name, format!(" {code} "));
    }
    defined("CONSILIUM_MAX_PAYLOAD", "(4u * 1024u * 1024u)".to_owned());
    assert_eq!(MAX_PAYLOAD, 4 * 1024 * 1024);
    assert!(header.contains(&format!("const consilium_plugin *{}(void);", abi::ENTRY_POINT)));
}
