//! Request ids: 32 hexadecimal digits of a random UUID (RFC 9562, version 4), or a trusted peer's value.

use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

/// Ids made at once. A stock is freed when the last of its ids is, so it is small.
const STOCK: usize = 128;
/// Digits of an id.
const DIGITS: usize = 32;
/// Longest value that is taken over from a peer, in characters.
const LONGEST: usize = 128;

/// The name of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Takes a peer's value over, if it is letters, digits, `-`, `_` and `.` and at most 128 long.
    #[must_use]
    pub fn from_peer(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let valid = !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(plain);
        valid.then(|| Self(value.clone()))
    }

    /// As the value of a header.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Both ways in make it ASCII.
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Makes request ids in stocks: one system call and one allocation for all ids of a stock.
pub struct RequestIds {
    /// The text of ids that are not given out yet.
    stock: RefCell<Bytes>,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self {
            stock: RefCell::new(Bytes::new()),
        }
    }
}

impl RequestIds {
    /// A fresh id.
    #[must_use]
    pub fn next(&self) -> RequestId {
        let mut stock = self.stock.borrow_mut();
        if stock.is_empty() {
            *stock = restock();
        }
        let text = stock.split_to(DIGITS);
        // Digits are what a header may hold.
        let value = HeaderValue::from_maybe_shared(text);
        RequestId(value.unwrap_or(HeaderValue::from_static("0")))
    }
}

fn restock() -> Bytes {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut random = [0; STOCK * 16];
    // The kernel's generator does not fail once the machine is up. If it did, ids would repeat, which is
    // no reason to refuse requests.
    let _ = getrandom::fill(&mut random);
    let mut text = vec![0; STOCK * DIGITS];
    for (uuid, digits) in random
        .chunks_exact_mut(16)
        .zip(text.chunks_exact_mut(DIGITS))
    {
        uuid[6] = 0x40 | (uuid[6] & 0x0f);
        uuid[8] = 0x80 | (uuid[8] & 0x3f);
        for (byte, pair) in uuid.iter().zip(digits.chunks_exact_mut(2)) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_version_4_and_differ() {
        let ids = RequestIds::default();
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let id = ids.next();
            let text = id.as_str();
            assert_eq!(text.len(), 32);
            assert!(
                text.bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            );
            assert_eq!(text.as_bytes()[12], b'4');
            assert!(matches!(text.as_bytes()[16], b'8' | b'9' | b'a' | b'b'));
            assert!(seen.insert(text.to_owned()));
        }
    }

    #[test]
    fn a_peers_value_is_taken_only_when_it_is_plain() {
        let longest = "a".repeat(128);
        for good in ["a", "4f-A_b.9", &longest] {
            let value = HeaderValue::from_str(good).unwrap();
            assert_eq!(RequestId::from_peer(&value).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(129);
        for bad in [
            "", "a b", "a\"b", "a,b", "\u{e4}", "a\tb", "a%0a", &too_long,
        ] {
            assert_eq!(
                RequestId::from_peer(&HeaderValue::from_str(bad).unwrap()),
                None,
                "{bad:?}"
            );
        }
    }
}
