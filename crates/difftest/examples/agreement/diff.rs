//! Two logs, line by line.

/// Lines compared as a whole; of longer texts only what comes first is aligned.
const ALIGNED: usize = 3000;

/// Prints lines that both have, that `one` has alone (`-`), and that `other` has
/// alone (`+`), in order.
pub(crate) fn print(one: &str, other: &str) {
    let one: Vec<&str> = one.lines().take(ALIGNED).collect();
    let other: Vec<&str> = other.lines().take(ALIGNED).collect();
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    for line in &one[..same] {
        println!("  {line}");
    }
    align(&one[same..], &other[same..]);
}

/// The longest common subsequence, printed.
fn align(one: &[&str], other: &[&str]) {
    let width = other.len() + 1;
    // `longest[i * width + j]`: of what is left from `i` and `j` on.
    let mut longest = vec![0u16; (one.len() + 1) * width];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            longest[i * width + j] = if one[i] == other[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < one.len() || j < other.len() {
        let both = i < one.len() && j < other.len();
        if both && one[i] == other[j] {
            println!("  {}", one[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == other.len()
            || (both && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            println!("- {}", one[i]);
            i += 1;
        } else {
            println!("+ {}", other[j]);
            j += 1;
        }
    }
}
