//! How a WebSocket ends: close codes (RFC 6455 7.4), and what a client does wrong.

use std::fmt;

/// Bytes of a reason: what a control frame holds besides the code.
pub(super) const LONGEST_REASON: usize = 123;

/// The number that says why a WebSocket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode(u16);

impl CloseCode {
    /// It has done what it was for.
    pub const NORMAL: Self = Self(1000);
    /// The server goes down.
    pub const GOING_AWAY: Self = Self(1001);
    /// The client broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The client's close frame had no code. It stands in no frame.
    pub const NO_STATUS: Self = Self(1005);
    /// There was no close frame. It stands in no frame.
    pub const ABNORMAL: Self = Self(1006);
    /// Data that are not what they should be: text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// A message over the limit.
    pub const TOO_LARGE: Self = Self(1009);
    /// The application has failed.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server is replaced by another: come back.
    pub const RESTART: Self = Self(1012);

    /// A code that may stand in a close frame: of RFC 6455 and the registry that follows it
    /// (1000 to 1014 without 1004 to 1006), of libraries (3000 to 3999), of applications (4000 to 4999).
    #[must_use]
    pub fn new(code: u16) -> Option<Self> {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999).then_some(Self(code))
    }

    /// As a number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// Code and reason of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why.
    pub code: CloseCode,
    /// For people, often empty; at most 123 bytes.
    pub reason: String,
}

impl Close {
    /// An end without a reason in words.
    #[must_use]
    pub fn new(code: CloseCode) -> Self {
        Self {
            code,
            reason: String::new(),
        }
    }

    /// Reads the payload of a close frame.
    pub(super) fn read(payload: Vec<u8>) -> Result<Self, Violation> {
        let (high, low) = match payload[..] {
            [] => return Ok(Self::new(CloseCode::NO_STATUS)),
            [_] => return Err(Violation::Close),
            [high, low, ..] => (high, low),
        };
        let code = CloseCode::new(u16::from_be_bytes([high, low])).ok_or(Violation::Close)?;
        let mut reason = payload;
        reason.drain(..2);
        let reason = String::from_utf8(reason).map_err(|_| Violation::Utf8)?;
        Ok(Self { code, reason })
    }

    /// The payload of a close frame: empty for the codes that stand in none.
    pub(super) fn payload(&self) -> Vec<u8> {
        if matches!(self.code, CloseCode::NO_STATUS | CloseCode::ABNORMAL) {
            return Vec::new();
        }
        let mut payload = self.code.number().to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason.as_bytes());
        payload
    }
}

/// What a client does that ends its WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    Opcode,
    ReservedBits,
    Unmasked,
    Length,
    Control,
    Continuation,
    Interrupted,
    Close,
    Utf8,
    Deflate,
    TooLarge,
}

impl Violation {
    /// What the client is told.
    pub(super) fn close(self) -> Close {
        let code = match self {
            Self::Utf8 | Self::Deflate => CloseCode::INVALID_DATA,
            Self::TooLarge => CloseCode::TOO_LARGE,
            _ => CloseCode::PROTOCOL_ERROR,
        };
        Close {
            code,
            reason: self.to_string(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Opcode => "a frame with a reserved opcode",
            Self::ReservedBits => "a frame with reserved bits that nothing was agreed on for",
            Self::Unmasked => "a frame of the client without a mask",
            Self::Length => "a frame whose length is not in its shortest form",
            Self::Control => "a control frame that is fragmented or longer than 125 bytes",
            Self::Continuation => "a continuation frame with nothing to continue",
            Self::Interrupted => "a new message within a fragmented one",
            Self::Close => "a close frame with an invalid code or length",
            Self::Utf8 => "text that is not UTF-8",
            Self::Deflate => "a message that can not be decompressed",
            Self::TooLarge => "a message over the limit of the server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_codes_stand_in_frames() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000] {
            assert_eq!(CloseCode::new(code), None, "{code}");
        }
        for code in [1000, 1003, 1007, 1011, 1012, 1014, 3000, 4999] {
            assert_eq!(CloseCode::new(code).map(CloseCode::number), Some(code));
        }
    }

    #[test]
    fn a_frame_says_what_was_meant() {
        let close = Close {
            code: CloseCode::NORMAL,
            reason: "d\u{e4}".to_owned(),
        };
        assert_eq!(Close::read(close.payload()).unwrap(), close);
        let silent = Close::read(Vec::new()).unwrap();
        assert_eq!(silent.code, CloseCode::NO_STATUS);
        assert_eq!(silent.payload(), b"");
        assert_eq!(Close::read(vec![3]).unwrap_err(), Violation::Close);
        assert_eq!(Close::read(vec![3, 237]).unwrap_err(), Violation::Close);
        assert_eq!(
            Close::read(vec![3, 232, 0xff]).unwrap_err(),
            Violation::Utf8
        );
    }

    #[test]
    fn every_violation_fits_into_a_close_frame() {
        for violation in [
            Violation::Opcode,
            Violation::ReservedBits,
            Violation::Unmasked,
            Violation::Length,
            Violation::Control,
            Violation::Continuation,
            Violation::Interrupted,
            Violation::Close,
            Violation::Utf8,
            Violation::Deflate,
            Violation::TooLarge,
        ] {
            let close = violation.close();
            assert!(!close.reason.is_empty() && close.reason.len() <= LONGEST_REASON);
            assert_eq!(CloseCode::new(close.code.number()), Some(close.code));
        }
    }
}
