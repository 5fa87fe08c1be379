use super::{AGAIN_AFTER, Book, CONDITIONS_MAX, Word};
use std::collections::HashSet;
use std::time::Instant;
use usipipo_domain::alert::AlertKind;

fn down(error: &str) -> AlertKind {
    AlertKind::NodeDown { node: "miami".to_owned(), error: error.to_owned() }
}

fn open(keys: &[&str]) -> HashSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn write(book: &mut Book, now: Instant) -> Option<(String, Word)> {
    let next = book.next(now)?;
    book.written(&next.0, &next.1, now);
    Some(next)
}

#[test]
fn a_condition_is_written_at_once_and_then_once_a_minute_with_the_latest_words() {
    let (mut book, now) = (Book::default(), Instant::now());
    assert!(book.raise(down("first")));
    assert_eq!(write(&mut book, now), Some(("node_down/miami".to_owned(), Word::Raise(down("first")))));
    book.raise(down("second"));
    book.raise(down("third"));
    assert_eq!(book.next(now), None);
    let later = now + AGAIN_AFTER;
    assert_eq!(write(&mut book, later), Some(("node_down/miami".to_owned(), Word::Raise(down("third")))));
    assert_eq!(book.next(later + AGAIN_AFTER), None);
}

#[test]
fn the_end_of_a_condition_is_written_only_when_an_alert_is_open() {
    let (mut book, now) = (Book::default(), Instant::now());
    book.resolve("node_down/miami".to_owned());
    assert_eq!(write(&mut book, now), Some(("node_down/miami".to_owned(), Word::Resolve)), "nobody knows what is open");
    book.know_open(open(&["dead_letter"]));
    book.resolve("node_down/miami".to_owned());
    assert_eq!(book.next(now), None);
    book.resolve("dead_letter".to_owned());
    assert_eq!(write(&mut book, now), Some(("dead_letter".to_owned(), Word::Resolve)));
    book.resolve("dead_letter".to_owned());
    assert_eq!(book.next(now), None, "it is closed now");
}

#[test]
fn a_condition_that_is_over_and_comes_back_is_written_at_once() {
    let (mut book, now) = (Book::default(), Instant::now());
    book.know_open(open(&[]));
    book.raise(down("one"));
    assert!(write(&mut book, now).is_some());
    book.resolve("node_down/miami".to_owned());
    assert!(write(&mut book, now).is_some());
    book.raise(down("two"));
    assert_eq!(write(&mut book, now), Some(("node_down/miami".to_owned(), Word::Raise(down("two")))));
}

#[test]
fn a_condition_that_is_over_before_it_was_written_is_not_written() {
    let (mut book, now) = (Book::default(), Instant::now());
    book.know_open(open(&[]));
    book.raise(down("one"));
    book.resolve("node_down/miami".to_owned());
    assert_eq!(book.next(now), None);
}

#[test]
fn what_could_not_be_written_gives_way_to_a_later_word() {
    let (mut book, now) = (Book::default(), Instant::now());
    book.raise(down("one"));
    let (key, word) = book.next(now).unwrap();
    book.put_back(key, word);
    let (key, word) = book.next(now).unwrap();
    assert_eq!(word, Word::Raise(down("one")));
    book.resolve(key.clone());
    book.put_back(key, word);
    assert_eq!(book.next(now).unwrap().1, Word::Resolve);
}

#[test]
fn memory_is_bounded_and_what_is_written_and_over_is_forgotten() {
    let (mut book, now) = (Book::default(), Instant::now());
    let charge = |n: usize| AlertKind::UnexpectedPayment { charge: n.to_string() };
    for n in 0..CONDITIONS_MAX {
        assert!(book.raise(charge(n)));
    }
    assert!(!book.raise(charge(CONDITIONS_MAX)));
    while write(&mut book, now).is_some() {}
    book.know_open(open(&[]));
    assert!(book.raise(charge(CONDITIONS_MAX)));
}
