//! What the directives of the table have in common: how words become values, and values lines.

/// Puts a value that could be read in its place.
pub(super) fn set<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

/// The only word.
pub(super) fn one(words: &[String]) -> Result<&str, String> {
    match words {
        [word] => Ok(word),
        _ => Err(format!("expected one word, found {}", words.len())),
    }
}

/// Each of the words, at least one.
pub(super) fn all<T>(
    words: &[String],
    read: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    match words {
        [] => Err("expected at least one word".to_owned()),
        words => words.iter().map(|word| read(word)).collect(),
    }
}

/// One line of one word.
pub(super) fn single(value: &impl ToString) -> Vec<Vec<String>> {
    vec![vec![value.to_string()]]
}

/// One line of one word for each value.
pub(super) fn each<T: ToString>(values: &[T]) -> Vec<Vec<String>> {
    values.iter().flat_map(|value| single(value)).collect()
}
