//! What the strict check in front of hyper costs: `cargo bench --bench head_check`.

use std::hint::black_box;
use std::time::Instant;

use pounce_core::serve::http::scanner::{Limits, Scanner};

const LIMITS: Limits = Limits {
    head: 65_536,
    headers: 100,
    body: 1_048_576,
};
const ROUNDS: u32 = 200_000;
const SAMPLES: usize = 9;

const SMALL: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";
const BROWSER: &str = "GET /articles/2024/a-longer-path?page=2&sort=new HTTP/1.1\r\n\
    Host: shop.example:8443\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=4f1c2d7e9b8a4c3f9d2e6a1b5c8f7e0d; theme=dark; consent=necessary; cart=91c2\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Priority: u=0, i\r\n\r\n";
const POST: &str = "POST /api/items HTTP/1.1\r\nHost: api.example\r\nContent-Type: application/json\r\n\
    Content-Length: 32\r\nAccept: */*\r\n\r\n{\"name\": \"example\", \"count\": 12}";

/// Median nanoseconds for one of these requests.
#[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn measure(request: &str) -> f64 {
    let mut scanner = Scanner::new(LIMITS);
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                let progress = scanner.advance(black_box(request.as_bytes()));
                assert_eq!(progress.judged, request.len());
            }
            start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[SAMPLES / 2]
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
fn main() {
    for (name, request) in [
        ("small GET", SMALL),
        ("browser GET", BROWSER),
        ("JSON POST", POST),
    ] {
        println!(
            "{name:12} {:4} bytes {:7.1} ns",
            request.len(),
            measure(request)
        );
    }
}
