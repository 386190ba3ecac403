//! The address to go to after a sign-in.

/// Maximum length of the address, in bytes.
const MAX_BYTES: usize = 2_048;

/// Returns the address if it is a path of this host: it begins with one slash, and has no character
/// that browsers drop or read as a slash (WHATWG URL, 4.4). Anything else could lead elsewhere.
pub(crate) fn next_path(text: &str) -> Option<&str> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain && text.len() <= MAX_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_followed() {
        for valid in ["/", "/incidents/017?tab=sla#end", "/a/..//b", "/a%5Cb"] {
            assert_eq!(next_path(valid), Some(valid));
        }
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        for invalid in [
            "",
            "incidents",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: a=b",
            "https://evil.example/",
            "javascript:alert(1)",
            " /incidents",
            "/m\u{fc}nchen",
            &long,
        ] {
            assert_eq!(next_path(invalid), None, "{invalid:?}");
        }
    }
}
