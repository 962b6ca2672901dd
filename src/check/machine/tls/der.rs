//! Just enough DER to walk through the outer fields of a key without copying it.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// One element: its tag and its content.
pub(super) struct Element<'der> {
    pub(super) tag: u8,
    pub(super) content: &'der [u8],
}

/// The elements that follow one another in some content.
pub(super) struct Elements<'der> {
    rest: &'der [u8],
}

impl<'der> Elements<'der> {
    pub(super) fn new(content: &'der [u8]) -> Self {
        Self { rest: content }
    }

    /// The content of the next element, if it has this tag.
    pub(super) fn field(&mut self, tag: u8) -> Option<&'der [u8]> {
        self.next()
            .filter(|element| element.tag == tag)
            .map(|element| element.content)
    }
}

impl<'der> Iterator for Elements<'der> {
    type Item = Element<'der>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, first], body) = self.rest.split_first_chunk::<2>()?;
        let (length, body) = if first < 0x80 {
            (usize::from(first), body)
        } else {
            // Long form: the low bits say how many bytes the length has.
            let (bytes, body) = body.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            let length = bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, body)
        };
        let (content, rest) = body.split_at_checked(length)?;
        self.rest = rest;
        Some(Element { tag, content })
    }
}

/// The fields of a sequence that fills all the bytes.
pub(super) fn sequence(der: &[u8]) -> Option<Elements<'_>> {
    let mut outer = Elements::new(der);
    let content = outer.field(SEQUENCE)?;
    outer.rest.is_empty().then(|| Elements::new(content))
}

/// An object identifier in dotted form.
pub(super) fn oid(content: &[u8]) -> Option<String> {
    let mut arcs: Vec<u64> = Vec::new();
    let mut value: u64 = 0;
    for byte in content {
        value = value.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let root = (value / 40).min(2);
                arcs.extend([root, value - root * 40]);
            } else {
                arcs.push(value);
            }
            value = 0;
        }
    }
    let dotted: Vec<String> = arcs.iter().map(ToString::to_string).collect();
    (!dotted.is_empty()).then(|| dotted.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_dotted() {
        let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        assert_eq!(oid(&p256).as_deref(), Some("1.2.840.10045.3.1.7"));
        assert_eq!(oid(&[0x2b, 0x65, 0x70]).as_deref(), Some("1.3.101.112"));
        assert_eq!(oid(&[]), None);
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        assert!(sequence(&[0x30, 0x03, 0x02, 0x01, 0x05]).is_some());
        assert!(sequence(&[0x30, 0x04, 0x02, 0x01, 0x05]).is_none());
        assert!(sequence(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
        assert!(sequence(&[0x30, 0x80]).is_none());
        assert!(
            sequence(&[0x30, 0x01, 0x05, 0x00]).is_none(),
            "bytes behind it"
        );
        assert!(sequence(&[]).is_none());
    }
}
