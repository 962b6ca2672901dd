//! Frames as they stand on the wire (RFC 6455 5.2): heads, opcodes, masks.

use super::close::Violation;

/// Bytes of the longest head: two, a length of eight, a mask of four.
pub(super) const LONGEST_HEAD: usize = 14;
/// Payload of a control frame.
pub(super) const CONTROL: u64 = 125;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The head of a client's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) last: bool,
    /// RSV1: the message is compressed, where that was agreed on.
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) length: u64,
    pub(super) mask: [u8; 4],
}

impl Head {
    /// How long the head is that begins with these bytes, as far as they tell; at least 2.
    pub(super) fn size(bytes: &[u8]) -> usize {
        match bytes.get(1).map(|byte| byte & 0x7f) {
            None => 2,
            Some(126) => 8,
            Some(127) => LONGEST_HEAD,
            Some(_) => 6,
        }
    }

    /// Reads a head that is complete. `deflate`: whether compression was agreed on.
    pub(super) fn read(bytes: &[u8], deflate: bool) -> Result<Self, Violation> {
        let (first, second) = (bytes[0], bytes[1]);
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::Opcode)?;
        let compressed = first & 0x40 != 0;
        // The first frame of a message says it for the whole (RFC 7692 6).
        let may_be_compressed = deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & 0x30 != 0 || (compressed && !may_be_compressed) {
            return Err(Violation::ReservedBits);
        }
        if second & 0x80 == 0 {
            return Err(Violation::Unmasked);
        }
        let (length, mask) = match second & 0x7f {
            126 => (u64::from(be_16(bytes)), &bytes[4..8]),
            127 => (be_64(bytes), &bytes[10..14]),
            length => (u64::from(length), &bytes[2..6]),
        };
        let short = match second & 0x7f {
            126 => length <= CONTROL,
            127 => length <= u64::from(u16::MAX) || length > i64::MAX as u64,
            _ => false,
        };
        if short {
            return Err(Violation::Length);
        }
        let last = first & 0x80 != 0;
        if opcode.is_control() && (!last || length > CONTROL) {
            return Err(Violation::Control);
        }
        Ok(Self {
            last,
            compressed,
            opcode,
            length,
            mask: [mask[0], mask[1], mask[2], mask[3]],
        })
    }
}

fn be_16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[2], bytes[3]])
}

fn be_64(bytes: &[u8]) -> u64 {
    bytes[2..10]
        .iter()
        .fold(0, |length, byte| length << 8 | u64::from(*byte))
}

/// Appends a whole frame of the server, which are never masked.
pub(super) fn write(out: &mut Vec<u8>, opcode: Opcode, compressed: bool, payload: &[u8]) {
    write_head(out, opcode, compressed, payload.len());
    out.extend_from_slice(payload);
}

fn write_head(out: &mut Vec<u8>, opcode: Opcode, compressed: bool, length: usize) {
    let first = 0x80 | (u8::from(compressed) << 6) | opcode.bits();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.extend_from_slice(&[first, length]),
        (_, Ok(length)) => {
            out.extend_from_slice(&[first, 126]);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.extend_from_slice(&[first, 127]);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Takes the mask off `bytes`, whose first byte is the `offset`th of the payload.
pub(super) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    let at = |index: u64| mask[(offset.wrapping_add(index) & 3) as usize];
    let turned = [at(0), at(1), at(2), at(3)];
    let wide = u64::from_ne_bytes([
        turned[0], turned[1], turned[2], turned[3], turned[0], turned[1], turned[2], turned[3],
    ]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks
        .into_remainder()
        .iter_mut()
        .zip(turned.iter().cycle())
    {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_rfc_reads() {
        let frame = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(Head::size(&frame), 6);
        let head = Head::read(&frame[..6], false).unwrap();
        assert_eq!(
            (head.opcode, head.last, head.length),
            (Opcode::Text, true, 5)
        );
        let mut payload = frame[6..].to_vec();
        unmask(&mut payload, head.mask, 0);
        assert_eq!(payload, b"Hello");
    }

    #[test]
    fn lengths_take_as_few_bytes_as_they_need() {
        for (length, head) in [
            (125, &[0x82, 125][..]),
            (126, &[0x82, 126, 0, 126]),
            (65535, &[0x82, 126, 255, 255]),
            (65536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            write_head(&mut out, Opcode::Binary, false, length);
            assert_eq!(out, head);
        }
        let long = |head: &[u8]| Head::read(head, false).unwrap_err();
        assert_eq!(long(&[0x82, 0xfe, 0, 125, 0, 0, 0, 0]), Violation::Length);
        let mut eight = [0; LONGEST_HEAD];
        eight[..2].copy_from_slice(&[0x82, 0xff]);
        eight[9] = 200;
        assert_eq!(long(&eight), Violation::Length);
        eight[2] = 0x80;
        assert_eq!(long(&eight), Violation::Length);
    }

    #[test]
    fn what_the_rfc_forbids_is_a_violation() {
        for (first, second, violation) in [
            (0x83, 0x80, Violation::Opcode),
            (0x8b, 0x80, Violation::Opcode),
            (0x91, 0x80, Violation::ReservedBits),
            (0xa1, 0x80, Violation::ReservedBits),
            (0xc1, 0x80, Violation::ReservedBits),
            (0x81, 0x00, Violation::Unmasked),
            (0x09, 0x80, Violation::Control),
        ] {
            let head = [first, second, 0, 0, 0, 0];
            assert_eq!(Head::read(&head, false).unwrap_err(), violation);
        }
        assert_eq!(
            Head::read(&[0x89, 0xfe, 0, 126, 0, 0, 0, 0], false).unwrap_err(),
            Violation::Control
        );
        for (first, fine) in [(0xc1, true), (0xc2, true), (0xc0, false), (0xc9, false)] {
            let head = [first, 0x80, 0, 0, 0, 0];
            assert_eq!(Head::read(&head, true).is_ok(), fine, "{first:x}");
        }
    }

    proptest! {
        #[test]
        fn a_mask_is_the_same_in_pieces(
            bytes in prop::collection::vec(any::<u8>(), 0..100), mask: [u8; 4], cut in 0_usize..100,
        ) {
            let expected: Vec<u8> = bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ mask[at % 4])
                .collect();
            let mut pieces = bytes;
            let cut = cut.min(pieces.len());
            let (left, right) = pieces.split_at_mut(cut);
            unmask(left, mask, 0);
            unmask(right, mask, cut as u64);
            prop_assert_eq!(pieces, expected);
        }
    }
}
