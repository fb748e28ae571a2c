//! Numbers of list items as letters and Roman figures.

/// A, B, … Z, AA, BB, … as word processors count.
pub(super) fn letter(count: u32) -> String {
    let place = count.saturating_sub(1);
    let letter = char::from(b'A' + (place % 26) as u8);
    std::iter::repeat_n(letter, (place / 26 + 1).min(10) as usize).collect()
}

pub(super) fn roman(count: u32) -> String {
    const SIGNS: &[(u32, &str)] = &[
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (mut left, mut text) = (count.min(3_999), String::new());
    for (worth, sign) in SIGNS {
        while left >= *worth {
            text.push_str(sign);
            left -= worth;
        }
    }
    text
}
