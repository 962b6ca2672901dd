//! Host names in Unicode, as certificates spell them: lower-cased, each label in Punycode (RFC 3492).

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;

/// Spells a host name in ASCII: `Bücher.Example` becomes `xn--bcher-kva.example`.
///
/// Lower-casing stands in for the full mapping of UTS #46; `None` where a label is too long to encode.
pub(super) fn to_ascii(host: &str) -> Option<String> {
    let labels: Option<Vec<String>> = host
        .to_lowercase()
        .split(['.', '\u{3002}'])
        .map(|label| {
            if label.is_ascii() {
                Some(label.to_owned())
            } else {
                encode(label).map(|code| format!("xn--{code}"))
            }
        })
        .collect();
    Some(labels?.join("."))
}

/// The encoding procedure of RFC 3492, section 6.3.
fn encode(label: &str) -> Option<String> {
    let mut code: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(code.len()).ok()?;
    if basic > 0 {
        code.push('-');
    }
    let total = u32::try_from(label.chars().count()).ok()?;
    let (mut next, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72_u32, basic);
    while done < total {
        let smallest = label
            .chars()
            .map(u32::from)
            .filter(|code| *code >= next)
            .min()?;
        delta = delta.checked_add((smallest - next).checked_mul(done + 1)?)?;
        next = smallest;
        for point in label.chars().map(u32::from) {
            if point < next {
                delta = delta.checked_add(1)?;
            }
            if point == next {
                push_number(&mut code, delta, bias);
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        next = next.checked_add(1)?;
    }
    Some(code)
}

/// Writes a number with the variable-length digits of section 3.3.
fn push_number(code: &mut String, number: u32, bias: u32) {
    let mut rest = number;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            break;
        }
        code.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
        rest = (rest - threshold) / (BASE - threshold);
        k += BASE;
    }
    code.push(digit(rest));
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE).unwrap_or('a')
}

/// Bias adaptation, section 6.1.
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (((BASE - T_MIN + 1) * delta) / (delta + 38))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_registries_do() {
        for (unicode, ascii) in [
            ("Bücher.Example", "xn--bcher-kva.example"),
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("EXAMPLE.com", "example.com"),
        ] {
            assert_eq!(to_ascii(unicode).as_deref(), Some(ascii), "{unicode}");
        }
    }
}
