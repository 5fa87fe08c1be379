use super::*;

fn read(text: &str) -> Option<(String, String)> {
    Installed::read(text).map(|read| (read.api_url, read.cert_sha256))
}

#[test]
fn the_printed_line_and_the_file_on_the_server_are_read_alike() {
    let both = Some(("https://h:1/p".to_owned(), "AB".to_owned()));
    assert_eq!(read(r#"{"apiUrl":"https://h:1/p","certSha256":"AB"}"#), both);
    assert_eq!(read("paste this: {\"apiUrl\":\"https://h:1/p\",\n \"certSha256\":\"AB\"} thanks"), both);
    assert_eq!(read("certSha256:AB\napiUrl:https://h:1/p\n"), both);
    for wrong in ["", "}{", "{}", "apiUrl:https://h:1/p", r#"{"apiUrl":1,"certSha256":"AB"}"#] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}
