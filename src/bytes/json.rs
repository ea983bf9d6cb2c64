//! Writes JSON (RFC 8259) on one line; nothing here reads it.

use std::fmt::Write;

/// A JSON value that is already text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// `null`.
    pub fn null() -> Self {
        Self("null".to_owned())
    }

    /// A string, escaped.
    pub fn string(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + 2);
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() => {
                    // Writing to a String cannot fail; control characters all lie in the first plane.
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
        Self(out)
    }

    /// A whole number.
    pub fn number(number: impl Into<u64>) -> Self {
        Self(number.into().to_string())
    }

    /// `true` or `false`.
    pub fn boolean(value: bool) -> Self {
        Self(value.to_string())
    }

    /// A list.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.0).collect();
        Self(format!("[{}]", items.join(",")))
    }

    /// An object with its members in the order given.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("{}:{}", Self::string(name).0, value.0))
            .collect();
        Self(format!("{{{}}}", members.join(",")))
    }

    /// A string, or `null` for `None`.
    pub fn optional(text: Option<&str>) -> Self {
        text.map_or_else(Self::null, Self::string)
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_on_one_line() {
        let value = Json::object([
            ("text", Json::string("a\"\\\r\n\u{1}\u{85}ü")),
            (
                "list",
                Json::array([Json::number(7u32), Json::boolean(true)]),
            ),
            ("nothing", Json::optional(None)),
        ]);
        assert_eq!(
            value.to_string(),
            r#"{"text":"a\"\\\r\n\u0001\u0085ü","list":[7,true],"nothing":null}"#
        );
    }
}
