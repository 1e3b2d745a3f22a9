//! The known word that may have been meant by an unknown one.

/// The one of `known` that is nearest to `word`, if one is near at all: a third of its letters may differ.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    let near = |name: &'a str| {
        let distance = distance(word.as_bytes(), name.as_bytes());
        (distance <= (name.len() / 3).max(1) && distance < name.len()).then_some((distance, name))
    };
    let best = known.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance)?;
    Some(best.1)
}

/// Bytes of a word that is compared at all; the cost is the product of both lengths.
const LONGEST: usize = 40;

/// How many letters must be put in, taken out, changed or swapped with their neighbour to make `b` of `a`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let changed = last[j] + usize::from(a[i] != b[j]);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_or_nothing() {
        let known = ["upstream", "upgrades", "host", "path", "id"];
        let table = [
            ("upstrem", Some("upstream")),
            ("upstraem", Some("upstream")),
            ("Up-Stream", Some("upstream")),
            ("upgrade", Some("upgrades")),
            ("hots", Some("host")),
            ("pth", Some("path")),
            ("i", Some("id")),
            ("xy", None),
            ("listen", None),
            ("", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest(&"u".repeat(100_000), known), None);
    }
}
