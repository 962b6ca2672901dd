use proptest::prelude::*;

use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn client(lines: &[(&'static str, &str)], hops: u32) -> Option<String> {
    read(&headers(lines), hops)
        .client
        .map(|client| client.to_string())
}

#[test]
fn the_client_is_counted_from_the_right_over_all_lines() {
    let lines = [
        ("x-forwarded-for", "6.6.6.6, 1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2 ,3.3.3.3:33"),
    ];
    for (hops, expected) in [
        (1, "3.3.3.3:33"),
        (2, "2.2.2.2:0"),
        (3, "1.1.1.1:0"),
        (4, "6.6.6.6:0"),
        (9, "6.6.6.6:0"),
    ] {
        assert_eq!(client(&lines, hops).as_deref(), Some(expected));
    }
}

#[test]
fn addresses_come_in_several_forms() {
    for (text, expected) in [
        ("2001:db8::1", Some("[2001:db8::1]:0")),
        ("[2001:db8::1]", Some("[2001:db8::1]:0")),
        ("[2001:db8::1]:80", Some("[2001:db8::1]:80")),
        ("192.0.2.1:80", Some("192.0.2.1:80")),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("1.2.3", None),
        ("1.2.3.4:99999", None),
        ("a.example", None),
    ] {
        assert_eq!(
            client(&[("x-forwarded-for", text)], 1).as_deref(),
            expected,
            "{text}"
        );
        let quoted = format!("for=\"{text}\"");
        assert_eq!(
            client(&[("forwarded", &quoted)], 1).as_deref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn an_invalid_entry_in_the_place_that_counts_is_not_skipped() {
    assert_eq!(client(&[("x-forwarded-for", "6.6.6.6, nonsense")], 1), None);
    assert_eq!(client(&[("x-forwarded-for", "6.6.6.6,")], 1), None);
}

#[test]
fn scheme_and_host_are_taken_when_they_are_valid() {
    let read = |proto: &str, host: &str| {
        let origin = read(
            &headers(&[("x-forwarded-proto", proto), ("x-forwarded-host", host)]),
            1,
        );
        (
            origin.secure,
            origin.host.map(|host| host.to_str().unwrap().to_owned()),
        )
    };
    assert_eq!(
        read("https", "a.example"),
        (Some(true), Some("a.example".into()))
    );
    assert_eq!(
        read("HTTP", "[::1]:80"),
        (Some(false), Some("[::1]:80".into()))
    );
    assert_eq!(
        read("wss", "evil.example, a.example:443"),
        (Some(true), Some("a.example:443".into()))
    );
    assert_eq!(read("gopher", "a b"), (None, None));
    assert_eq!(read("", "a/b"), (None, None));
}

#[test]
fn forwarded_is_read_as_rfc_7239_says() {
    let lines = [
        (
            "forwarded",
            "for=6.6.6.6;host=\"evil,example\", For=\"[2001:db8:cafe::17]:4711\";Proto=https;by=_x",
        ),
        (
            "forwarded",
            "for=192.0.2.43 ; host=\"a.ex\\ample\" ;proto=http",
        ),
    ];
    let headers = headers(&lines);
    let expected = Origin {
        client: Some("192.0.2.43:0".parse().unwrap()),
        secure: Some(false),
        host: None,
    };
    // White space around the semicolon is tolerated; an escape in a host name is resolved.
    let first = read(&headers, 1);
    assert_eq!(first.client, expected.client);
    assert_eq!(first.secure, expected.secure);
    assert_eq!(first.host.unwrap(), "a.example");
    let second = read(&headers, 2);
    assert_eq!(
        second.client,
        Some("[2001:db8:cafe::17]:4711".parse().unwrap())
    );
    assert_eq!(second.secure, Some(true));
}

#[test]
fn a_malformed_forwarded_header_says_nothing() {
    for text in [
        "for=\"1.2.3.4",
        "for",
        "for=1.2.3.4;proto",
        "for=1.2\"3.4",
        "for=\"1.2.3.4\"x",
        "for=\"1.2.3.4\\\"",
    ] {
        assert_eq!(
            read(&headers(&[("forwarded", text)]), 1),
            Origin::default(),
            "{text}"
        );
    }
}

#[test]
fn what_both_kinds_of_headers_say_is_not_mixed() {
    let both = [
        ("forwarded", "for=6.6.6.6;proto=https"),
        ("x-forwarded-for", "1.1.1.1"),
    ];
    let origin = read(&headers(&both), 1);
    assert_eq!(
        (origin.client, origin.secure),
        (Some("1.1.1.1:0".parse().unwrap()), None)
    );
}

#[test]
fn what_a_client_breaks_further_left_hides_nobody() {
    for spoofed in [
        "for=\"1.2.3.4",
        "for=\"",
        "for=\"\\",
        "\\",
        "\"",
        "for",
        ";;=",
        ",,",
        "\u{e4}",
        "for=\"a\\\"",
    ] {
        let line = format!("{spoofed}, for=\"[2001:db8::1]:80\";host=\"a\\.example\";proto=https");
        let one_line = read(&headers(&[("forwarded", &line)]), 1);
        let line = line.split_once(", ").unwrap().1;
        let two_lines = read(&headers(&[("forwarded", spoofed), ("forwarded", line)]), 1);
        for origin in [one_line, two_lines] {
            let client = origin.client.map(|client| client.to_string());
            assert_eq!(client.as_deref(), Some("[2001:db8::1]:80"), "{spoofed}");
            assert_eq!(origin.host.unwrap(), "a.example", "{spoofed}");
            assert_eq!(origin.secure, Some(true), "{spoofed}");
        }
        let line = format!("{spoofed}, 2001:db8::1");
        assert_eq!(
            client(&[("x-forwarded-for", &line)], 1).as_deref(),
            Some("[2001:db8::1]:0"),
            "{spoofed}"
        );
    }
}

#[test]
fn what_is_spelled_with_underscores_is_nobodys() {
    let lines = [
        ("x_forwarded_for", "6.6.6.6"),
        ("x-forwarded_proto", "https"),
        ("x_real-ip", "6.6.6.6"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x_other", "y"),
    ];
    let mut trusted = headers(&lines);
    strip_lookalikes(&mut trusted);
    let mut left: Vec<_> = trusted.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["x-forwarded-for", "x_other"]);
    let mut untrusted = headers(&lines);
    strip(&mut untrusted);
    assert_eq!(untrusted.len(), 1);
    assert!(untrusted.contains_key("x_other"));
}

#[test]
fn nothing_of_an_untrusted_peer_stays() {
    let mut lines = headers(&[
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a"),
        ("x-forwarded-port", "1"),
        ("x-real-ip", "1.1.1.1"),
        ("forwarded", "for=1.1.1.1"),
        ("host", "b"),
    ]);
    strip(&mut lines);
    assert_eq!(lines.len(), 1);
    assert_eq!(read(&lines, 1), Origin::default());
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(lines in prop::collection::vec("[ -~\\t]{0,60}", 0..4), hops in 1..5_u32) {
        for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] {
            let lines: Vec<_> = lines.iter().map(|line| (name, line.as_str())).collect();
            let _ = read(&headers(&lines), hops);
        }
    }

    #[test]
    fn what_the_client_writes_further_left_changes_nothing(spoofed in "[ -~]{0,40}", real in any::<[u8; 4]>()) {
        let real = IpAddr::from(real);
        let alone = [("x-forwarded-for", real.to_string())];
        let spoofed = [("x-forwarded-for", format!("{spoofed}, {real}"))];
        let borrowed = |lines: &[(&'static str, String); 1]| headers(&[(lines[0].0, &lines[0].1)]);
        prop_assert_eq!(read(&borrowed(&alone), 1), read(&borrowed(&spoofed), 1));
    }

    #[test]
    fn nor_does_it_in_a_forwarded_header(spoofed in "[ -~]{0,40}", host in "[a\\\\\",;]{0,9}", ip in any::<Ipv6Addr>()) {
        let quoted = host.replace('\\', "\\\\").replace('"', "\\\"");
        let real = format!("for=\"[{ip}]\";host=\"{quoted}\"");
        let alone = read(&headers(&[("forwarded", &real)]), 1);
        prop_assert_eq!(alone.client, Some(SocketAddr::new(ip.into(), 0)));
        prop_assert_eq!(alone, read(&headers(&[("forwarded", &format!("{spoofed},{real}"))]), 1));
    }

    #[test]
    fn what_a_proxy_writes_is_read_back(ip in any::<Ipv6Addr>(), port in 1..u16::MAX, secure in any::<bool>()) {
        let proto = if secure { "https" } else { "http" };
        let line = format!("by=_proxy;for=\"[{ip}]:{port}\";proto={proto};host=a.example");
        let origin = read(&headers(&[("forwarded", &line)]), 1);
        prop_assert_eq!(origin.client, Some(SocketAddr::new(ip.into(), port)));
        prop_assert_eq!(origin.secure, Some(secure));
        prop_assert_eq!(origin.host, Some(HeaderValue::from_static("a.example")));
    }
}
