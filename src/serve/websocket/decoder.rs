//! From a client's bytes to its messages, however the bytes arrive.

use super::close::{Close, Violation};
use super::deflate::Inflater;
use super::frame::{Head, LONGEST_HEAD, Opcode, unmask};
use super::offer::Agreement;

/// What an application receives and sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Message {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Message(Message),
    Ping(Vec<u8>),
    Pong,
    Close(Close),
}

/// Memory taken ahead of a message's bytes: what a frame announces is only a promise.
const AHEAD: usize = 16 * 1024;

/// Reads frames and puts messages together. Its memory is the message that is on its way, at most
/// `limit` bytes of it.
pub(in crate::serve) struct Decoder {
    limit: usize,
    deflate: Option<Agreement>,
    /// Made when the first compressed message comes.
    inflater: Option<Inflater>,
    /// A head that is not complete.
    head: [u8; LONGEST_HEAD],
    have: usize,
    frame: Option<Frame>,
    /// A control frame's payload.
    control: Vec<u8>,
    message: Option<Assembly>,
}

/// A frame whose payload comes.
struct Frame {
    head: Head,
    /// Bytes that have come.
    taken: u64,
}

/// A message that comes.
struct Assembly {
    text: bool,
    compressed: bool,
    bytes: Vec<u8>,
    /// So many are known to be UTF-8.
    valid: usize,
}

impl Decoder {
    pub(super) fn new(limit: u64, deflate: Option<Agreement>) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            deflate,
            inflater: None,
            head: [0; LONGEST_HEAD],
            have: 0,
            frame: None,
            control: Vec::new(),
            message: None,
        }
    }

    /// Goes on over `bytes`, up to the next event; how many it has taken. `bytes` lose their mask.
    pub(super) fn advance(
        &mut self,
        bytes: &mut [u8],
    ) -> (usize, Result<Option<Event>, Violation>) {
        let mut at = 0;
        loop {
            let step = match self.frame.take() {
                None => self.begin(bytes, &mut at),
                Some(frame) => self.payload(frame, bytes, &mut at),
            };
            match step {
                Ok(Step::Event(event)) => return (at, Ok(Some(event))),
                Ok(Step::On) => {}
                Ok(Step::More) => return (at, Ok(None)),
                Err(violation) => return (at, Err(violation)),
            }
        }
    }

    fn begin(&mut self, bytes: &[u8], at: &mut usize) -> Result<Step, Violation> {
        loop {
            let size = Head::size(&self.head[..self.have]);
            let missing = size - self.have;
            if missing == 0 {
                break;
            }
            let come = missing.min(bytes.len() - *at);
            if come == 0 {
                return Ok(Step::More);
            }
            self.head[self.have..self.have + come].copy_from_slice(&bytes[*at..*at + come]);
            self.have += come;
            *at += come;
        }
        let head = Head::read(&self.head[..self.have], self.deflate.is_some())?;
        self.have = 0;
        self.open(head)?;
        self.frame = Some(Frame { head, taken: 0 });
        Ok(Step::On)
    }

    /// Judges a frame by its head, and what came before.
    fn open(&mut self, head: Head) -> Result<(), Violation> {
        match (head.opcode, &mut self.message) {
            (Opcode::Continuation, None) => return Err(Violation::Continuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::Interrupted),
            (Opcode::Text | Opcode::Binary, message) => {
                *message = Some(Assembly {
                    text: head.opcode == Opcode::Text,
                    compressed: head.compressed,
                    bytes: Vec::new(),
                    valid: 0,
                });
            }
            _ => {}
        }
        if head.opcode.is_control() {
            self.control = Vec::with_capacity(usize::try_from(head.length).unwrap_or_default());
        } else if let Some(message) = self.message.as_mut().filter(|message| !message.compressed) {
            let length = usize::try_from(head.length).unwrap_or(usize::MAX);
            if length > self.limit - message.bytes.len().min(self.limit) {
                return Err(Violation::TooLarge);
            }
            message.bytes.reserve(length.min(AHEAD));
        }
        Ok(())
    }

    fn payload(
        &mut self,
        mut frame: Frame,
        bytes: &mut [u8],
        at: &mut usize,
    ) -> Result<Step, Violation> {
        let rest = &mut bytes[*at..];
        let left = frame.head.length - frame.taken;
        let come = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
        let piece = &mut rest[..come];
        unmask(piece, frame.head.mask, frame.taken);
        frame.taken += come as u64;
        *at += come;
        let whole = frame.taken == frame.head.length;
        if frame.head.opcode.is_control() {
            self.control.extend_from_slice(piece);
            if whole {
                return self.control_event(frame.head.opcode).map(Step::Event);
            }
        } else {
            let last = whole && frame.head.last;
            self.take(piece, last)?;
            if last {
                return self.message_event().map(Step::Event);
            }
        }
        if whole {
            return Ok(Step::On);
        }
        self.frame = Some(frame);
        Ok(Step::More)
    }

    /// A piece of a message.
    fn take(&mut self, piece: &[u8], last: bool) -> Result<(), Violation> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        match self.deflate.filter(|_| message.compressed) {
            None => message.bytes.extend_from_slice(piece),
            Some(agreement) => {
                let inflater = self
                    .inflater
                    .get_or_insert_with(|| Inflater::new(agreement));
                inflater.inflate(piece, &mut message.bytes, self.limit)?;
                if last {
                    inflater.finish(&mut message.bytes, self.limit)?;
                }
            }
        }
        // A message that is whole is judged as a whole, once.
        if message.text && !last {
            message.judge()?;
        }
        Ok(())
    }

    fn message_event(&mut self) -> Result<Event, Violation> {
        let Some(message) = self.message.take() else {
            return Err(Violation::Continuation);
        };
        Ok(Event::Message(if message.text {
            Message::Text(String::from_utf8(message.bytes).map_err(|_| Violation::Utf8)?)
        } else {
            Message::Binary(message.bytes)
        }))
    }

    fn control_event(&mut self, opcode: Opcode) -> Result<Event, Violation> {
        let payload = std::mem::take(&mut self.control);
        Ok(match opcode {
            Opcode::Close => Event::Close(Close::read(payload)?),
            Opcode::Ping => Event::Ping(payload),
            _ => Event::Pong,
        })
    }
}

enum Step {
    Event(Event),
    /// Go on over the rest.
    On,
    /// Nothing is left.
    More,
}

impl Assembly {
    /// Refuses text at its first byte that can not be UTF-8, whatever follows.
    fn judge(&mut self) -> Result<(), Violation> {
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::serve::websocket::close::CloseCode;
    use crate::serve::websocket::deflate::Deflater;

    /// A client's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..=125 => bytes.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        let start = bytes.len();
        bytes.extend(payload);
        unmask(&mut bytes[start..], mask, 0);
        bytes
    }

    /// What comes of these bytes in pieces of `size`.
    fn read(decoder: &mut Decoder, bytes: &[u8], size: usize) -> (Vec<Event>, Option<Violation>) {
        let mut events = Vec::new();
        for piece in bytes.chunks(size) {
            let mut piece = piece.to_vec();
            let mut at = 0;
            loop {
                let (taken, found) = decoder.advance(&mut piece[at..]);
                at += taken;
                match found {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(violation) => return (events, Some(violation)),
                }
            }
            assert_eq!(at, piece.len());
        }
        (events, None)
    }

    fn text(text: &str) -> Event {
        Event::Message(Message::Text(text.to_owned()))
    }

    #[test]
    fn messages_come_whole_in_pieces_and_with_others_between() {
        let mut bytes = frame(0x81, "h\u{e9}".as_bytes());
        bytes.extend(frame(0x02, b"ab"));
        bytes.extend(frame(0x89, b"ping"));
        bytes.extend(frame(0x00, b""));
        bytes.extend(frame(0x80, b"c"));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x81, b""));
        bytes.extend(frame(0x82, &[7; 70_000]));
        bytes.extend(frame(0x88, &[3, 232]));
        for size in [1, 2, 3, 7, 64, 1000, bytes.len()] {
            let (events, violation) = read(&mut Decoder::new(100_000, None), &bytes, size);
            assert_eq!(violation, None);
            assert_eq!(
                events,
                [
                    text("h\u{e9}"),
                    Event::Ping(b"ping".to_vec()),
                    Event::Message(Message::Binary(b"abc".to_vec())),
                    Event::Pong,
                    text(""),
                    Event::Message(Message::Binary(vec![7; 70_000])),
                    Event::Close(Close::new(CloseCode::NORMAL)),
                ]
            );
        }
    }

    #[test]
    fn violations_are_seen_as_early_as_they_can_be() {
        let violation = |bytes: &[u8]| read(&mut Decoder::new(10, None), bytes, 1).1;
        assert_eq!(violation(&frame(0x80, b"")), Some(Violation::Continuation));
        let twice = [frame(0x01, b"a"), frame(0x81, b"b")].concat();
        assert_eq!(violation(&twice), Some(Violation::Interrupted));
        // By the head alone.
        assert_eq!(
            violation(&frame(0x82, &[0; 11])[..6]),
            Some(Violation::TooLarge)
        );
        let parts = [frame(0x02, &[0; 6]), frame(0x80, &[0; 5])[..6].to_vec()].concat();
        assert_eq!(violation(&parts), Some(Violation::TooLarge));
        assert_eq!(
            violation(&[frame(0x02, &[0; 6]), frame(0x80, &[0; 4])].concat()),
            None
        );
        // In the middle of a frame, at the byte that no text can have there.
        assert_eq!(
            violation(&frame(0x81, &[0xf4, 0x90, 0x80])[..8]),
            Some(Violation::Utf8)
        );
        assert_eq!(
            violation(&frame(0x81, &[0xe2, 0x82])),
            Some(Violation::Utf8)
        );
        let split = [frame(0x01, &[0xe2, 0x82]), frame(0x80, &[0xac])].concat();
        assert_eq!(violation(&split), None);
    }

    #[test]
    fn a_promise_takes_no_memory() {
        let mut decoder = Decoder::new(u64::MAX, None);
        let mut head = vec![0x82, 0xff];
        head.extend((1_u64 << 62).to_be_bytes());
        head.extend([0; 4]);
        assert_eq!(read(&mut decoder, &head, 100), (vec![], None));
        assert!(decoder.message.unwrap().bytes.capacity() <= 2 * AHEAD);
    }

    fn deflating(limit: u64) -> (Decoder, Deflater) {
        let agreement = Agreement {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_window_bits: 12,
            client_window_bits: Some(12),
        };
        let decoder = Decoder::new(limit, Some(agreement));
        (decoder, Deflater::new(agreement))
    }

    #[test]
    fn compressed_messages_come_whole_too() {
        let (mut decoder, mut deflater) = deflating(100_000);
        let long = "again and again ".repeat(1000);
        let data = deflater.deflate(long.as_bytes()).unwrap().to_vec();
        let (left, right) = data.split_at(data.len() / 2);
        let mut bytes = frame(0x41, left);
        bytes.extend(frame(0x89, b""));
        bytes.extend(frame(0x80, right));
        bytes.extend(frame(0x81, b"as it is"));
        for size in [1, 5, bytes.len()] {
            let (events, violation) = read(&mut decoder, &bytes, size);
            assert_eq!(violation, None);
            assert!(events == [Event::Ping(vec![]), text(&long), text("as it is")]);
        }
        let (mut decoder, mut deflater) = deflating(1000);
        let data = deflater.deflate(long.as_bytes()).unwrap().to_vec();
        let found = read(&mut decoder, &frame(0xc1, &data), 10);
        assert_eq!(found, (vec![], Some(Violation::TooLarge)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_the_pieces_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50, deflate: bool,
        ) {
            let decoder = || if deflate { deflating(1000).0 } else { Decoder::new(1000, None) };
            prop_assert_eq!(
                read(&mut decoder(), &bytes, size),
                read(&mut decoder(), &bytes, bytes.len().max(1))
            );
        }
    }
}
