//! The compression of messages (RFC 7692 7.2), bounded in what it makes of them.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::close::Violation;
use super::offer::Agreement;

/// What ends a flushed block; it is left out of every message.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Messages below this many bytes are sent as they are: there is nothing to win.
const LEAST: usize = 64;
/// Bytes by which output grows.
const STEP: usize = 16 * 1024;
/// Space that a flush needs at least, or it would be made twice.
const FLUSH: usize = 16;
/// Most of the gain for a fraction of the time of the usual level 6.
const LEVEL: u32 = 3;
/// The window of a client that was not told of a smaller one.
const WINDOW_BITS: u8 = 15;

/// Decompresses the messages of a client.
pub(super) struct Inflater {
    stream: Decompress,
    forgets: bool,
}

impl Inflater {
    pub(super) fn new(agreement: Agreement) -> Self {
        // The decompressor has no window of 8 bits; the next one holds all that such a client refers to.
        let bits = agreement.client_window_bits.unwrap_or(WINDOW_BITS).max(9);
        Self {
            stream: Decompress::new_with_window_bits(false, bits),
            forgets: agreement.client_no_context_takeover,
        }
    }

    /// Appends what `input` decompresses to. A message that would pass `limit` is refused while it
    /// grows, not when it is whole.
    pub(super) fn inflate(
        &mut self,
        mut input: &[u8],
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Violation> {
        loop {
            if message.capacity() == message.len() {
                let room = limit.saturating_sub(message.len()).saturating_add(1);
                message.reserve(STEP.min(room));
            }
            let before = (self.stream.total_in(), message.len());
            let status = self
                .stream
                .decompress_vec(input, message, FlushDecompress::None)
                .map_err(|_| Violation::Deflate)?;
            let taken = (self.stream.total_in() - before.0) as usize;
            input = &input[taken..];
            if message.len() > limit {
                return Err(Violation::TooLarge);
            }
            if status == Status::StreamEnd {
                // A sender may end the stream with a message; the next block begins another.
                self.stream.reset(false);
            } else if taken == 0 && message.len() == before.1 && !input.is_empty() {
                return Err(Violation::Deflate);
            }
            if input.is_empty() && message.len() < message.capacity() {
                return Ok(());
            }
        }
    }

    /// Ends a message.
    pub(super) fn finish(&mut self, message: &mut Vec<u8>, limit: usize) -> Result<(), Violation> {
        self.inflate(&TAIL, message, limit)?;
        if self.forgets {
            self.stream.reset(false);
        }
        Ok(())
    }
}

/// Compresses the messages of the server.
pub(super) struct Deflater {
    stream: Compress,
    forgets: bool,
    /// Kept between messages, so that the usual ones need no memory of their own.
    out: Vec<u8>,
}

impl Deflater {
    pub(super) fn new(agreement: Agreement) -> Self {
        let (level, bits) = (Compression::new(LEVEL), agreement.server_window_bits);
        Self {
            stream: Compress::new_with_window_bits(level, false, bits),
            forgets: agreement.server_no_context_takeover,
            out: Vec::new(),
        }
    }

    /// The compressed message; None where it is sent as it is.
    pub(super) fn deflate(&mut self, mut message: &[u8]) -> Option<&[u8]> {
        if message.len() < LEAST {
            return None;
        }
        self.out.clear();
        if self.out.capacity() > STEP {
            self.out.shrink_to(STEP);
        }
        loop {
            if self.out.capacity() - self.out.len() < FLUSH {
                self.out.reserve(STEP);
            }
            let before = self.stream.total_in();
            self.stream
                .compress_vec(message, &mut self.out, FlushCompress::Sync)
                .ok()?;
            message = &message[(self.stream.total_in() - before) as usize..];
            if message.is_empty() && self.out.len() < self.out.capacity() {
                break;
            }
        }
        if self.forgets {
            self.stream.reset();
        }
        self.out.strip_suffix(&TAIL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(forgets: bool, bits: u8) -> Agreement {
        Agreement {
            server_no_context_takeover: forgets,
            client_no_context_takeover: forgets,
            server_window_bits: bits,
            client_window_bits: Some(bits),
        }
    }

    fn inflated(inflater: &mut Inflater, data: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
        let mut message = Vec::new();
        for piece in data.chunks(7) {
            inflater.inflate(piece, &mut message, limit)?;
        }
        inflater.finish(&mut message, limit)?;
        Ok(message)
    }

    #[test]
    fn messages_survive_with_every_agreement() {
        let text: String = (0..20_000_u32)
            .map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761)))
            .collect();
        for bits in 9..=15 {
            for forgets in [false, true] {
                let agreement = agreement(forgets, bits);
                let mut deflater = Deflater::new(agreement);
                let mut inflater = Inflater::new(agreement);
                let mut sizes = Vec::new();
                for length in [64, 2000, 2000, text.len()] {
                    let message = &text.as_bytes()[..length];
                    let data = deflater.deflate(message).unwrap();
                    sizes.push(data.len());
                    assert_eq!(inflated(&mut inflater, data, text.len()).unwrap(), message);
                }
                // What the window still holds is said in a few bytes.
                let shorter = sizes[2] < sizes[1] / 2;
                assert_eq!(shorter, !forgets && bits >= 12, "{bits}: {sizes:?}");
            }
        }
    }

    #[test]
    fn noise_survives_too() {
        let noise: Vec<u8> = (0..100_000_u32)
            .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let agreement = agreement(false, 12);
        let data = Deflater::new(agreement).deflate(&noise).unwrap().to_vec();
        assert_eq!(
            inflated(&mut Inflater::new(agreement), &data, noise.len()).unwrap(),
            noise
        );
    }

    #[test]
    fn a_bomb_is_refused_while_it_grows() {
        let agreement = agreement(false, 12);
        let bomb = Deflater::new(agreement)
            .deflate(&vec![0; 10_000_000])
            .unwrap()
            .to_vec();
        assert!(bomb.len() < 100_000);
        let mut message = Vec::new();
        let refused = Inflater::new(agreement).inflate(&bomb, &mut message, 100_000);
        assert_eq!(refused, Err(Violation::TooLarge));
        assert!(message.capacity() < 300_000, "{}", message.capacity());
        let exact = Deflater::new(agreement)
            .deflate(&[7; 1000])
            .unwrap()
            .to_vec();
        let mut inflater = Inflater::new(agreement);
        assert_eq!(inflated(&mut inflater, &exact, 1000).unwrap(), [7; 1000]);
        assert_eq!(
            inflated(&mut Inflater::new(agreement), &exact, 999),
            Err(Violation::TooLarge)
        );
    }

    #[test]
    fn the_examples_of_the_rfc_inflate() {
        let mut inflater = Inflater::new(agreement(false, 15));
        for data in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0xf2, 0x00, 0x11, 0x00, 0x00],
            // Without compression; with BFINAL set; in two blocks.
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ] {
            assert_eq!(inflated(&mut inflater, data, 5).unwrap(), b"Hello");
        }
        assert_eq!(
            inflated(&mut inflater, &[0xff, 0xff, 0xff], 100),
            Err(Violation::Deflate)
        );
    }
}
