use super::*;

fn read(body: &[u8], one: bool) -> Result<Vec<Vec<u8>>, ApiError> {
    read_batch(StatusCode::OK, body, one)
}

#[test]
fn updates_keep_their_bytes() {
    let body = br#"{"ok":true,"result":[{"update_id": 1,  "x":"\ud83d"},{"update_id":2}]}"#;
    let updates = read(body, false).unwrap();
    assert_eq!(updates, [br#"{"update_id": 1,  "x":"\ud83d"}"#.to_vec(), br#"{"update_id":2}"#.to_vec()]);
    assert_eq!(read(br#"{"ok":true,"result":[]}"#, false).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn fault_31_a_byte_that_is_no_text_spoils_no_other_update() {
    let mut body = br#"{"ok":true,"result":[{"update_id":1,"x":""#.to_vec();
    body.push(0xff);
    body.extend_from_slice(br#""},{"update_id":2}]}"#);
    let updates = read(&body, false).unwrap();
    assert_eq!(updates.len(), 2);
    assert_eq!(find_update_id(&updates[0]), Some(1));
}

#[test]
fn fault_31_a_broken_update_is_handed_on_alone_so_that_it_can_be_confirmed() {
    let body = br#"{"ok":true,"result":[{"update_id":5,"message":{"text":}}]}"#;
    assert!(matches!(read(body, false), Err(ApiError::Unreadable(_))));
    let updates = read(body, true).unwrap();
    assert_eq!((updates.len(), find_update_id(&updates[0])), (1, Some(5)));
}

#[test]
fn telegrams_refusals_are_told_apart() {
    let conflict = br#"{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}"#;
    assert!(matches!(read_batch(StatusCode::CONFLICT, conflict, false), Err(ApiError::Conflict(_))));
    let slow = br#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":7}}"#;
    let answer = read_batch(StatusCode::TOO_MANY_REQUESTS, slow, false);
    assert_eq!(answer, Err(ApiError::RetryAfter(Duration::from_secs(7))));
    assert!(matches!(read_batch(StatusCode::BAD_GATEWAY, b"<html>", false), Err(ApiError::Unavailable(_))));
}
