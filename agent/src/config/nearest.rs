//! The known name that looks most like a mistyped one. Knows letters only, nothing of keys.

/// The candidate with the fewest changed, added, dropped or swapped letters, if a third of `name` or less differs.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(changes, _)| *changes <= most)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance. One row of the table is `rows[i]`: the cost for the first `i` letters of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=b.len()).collect();
    let mut last_letter = None;
    for (row, letter) in a.chars().enumerate() {
        let mut current = Vec::with_capacity(b.len() + 1);
        current.push(row + 1);
        for (column, &other) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&back, column) + usize::from(letter != other))
                .min(at(&back, column + 1) + 1)
                .min(at(&current, column) + 1);
            let before = column.checked_sub(1);
            if before.and_then(|i| b.get(i)) == Some(&letter) && last_letter == Some(other) {
                cost = cost.min(before.map_or(usize::MAX, |i| at(&two_back, i) + 1));
            }
            current.push(cost);
        }
        two_back = std::mem::replace(&mut back, current);
        last_letter = Some(letter);
    }
    back.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_single_letter_changes_and_swaps() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("agent_ttl", "agent_ttl"), 0);
        assert_eq!(distance("agnet_ttl", "agent_ttl"), 1);
        assert_eq!(distance("agentttl", "agent_ttl"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn finds_a_near_name_and_no_far_one() {
        let known = ["etcd_servers", "metadata", "public_ip"];
        assert_eq!(nearest("etcd_server", known), Some("etcd_servers"));
        assert_eq!(nearest("meta_data", known), Some("metadata"));
        assert_eq!(nearest("colour", known), None);
    }
}
