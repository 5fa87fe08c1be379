#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn draft(product: Product) -> ServerDraft {
    ServerDraft::new(product).unwrap()
}

#[tokio::test]
async fn what_leads_to_no_server_is_told_before_anybody_is_called() {
    let drivers = KeyDrivers::new(Arc::new(crate::clock::SystemClock));
    let cert = "AB".repeat(32);
    for wrong in [
        "nothing".to_owned(),
        format!(r#"{{"apiUrl":"http://127.0.0.1:1/p","certSha256":"{cert}"}}"#),
        format!(r#"{{"apiUrl":"https://127.0.0.1:1/","certSha256":"{cert}"}}"#),
        r#"{"apiUrl":"https://127.0.0.1:1/p","certSha256":"AB"}"#.to_owned(),
    ] {
        let checked = drivers.check(&draft(Product::Outline), &Hidden::new(wrong.clone())).await;
        assert_eq!(checked, Err(ServerProblem::Unreadable), "{wrong}");
    }
    for wrong in ["", "127.0.0.1:9091", "ftp://h", "http://h:1\na\nb"] {
        let checked = drivers.check(&draft(Product::Mtproto), &Hidden::new(wrong)).await;
        assert_eq!(checked, Err(ServerProblem::Unreadable), "{wrong:?}");
    }
}
