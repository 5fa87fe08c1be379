//! The arguments of buttons as texts, and back.

use super::ButtonError;
use crate::new_server::ServerQuestion;
use crate::promotion::PromotionStep;
use crate::service::{EXTEND_MAX_DAYS, NodeChange, ServiceChange};
use std::str::FromStr;

pub(super) const fn letter(change: NodeChange) -> char {
    match change {
        NodeChange::Activate => 'a',
        NodeChange::Drain => 'd',
        NodeChange::Maintain => 'm',
        NodeChange::Remove => 'r',
        NodeChange::Forget => 'f',
    }
}

pub(super) const fn question_letter(question: ServerQuestion) -> char {
    match question {
        ServerQuestion::Name => 'n',
        ServerQuestion::Country => 'c',
        ServerQuestion::Capacity => 'm',
        ServerQuestion::Place => 'p',
        ServerQuestion::Domain => 'd',
        ServerQuestion::Access => 'a',
    }
}

pub(super) fn question(text: &str) -> Result<ServerQuestion, ButtonError> {
    Ok(match text {
        "n" => ServerQuestion::Name,
        "c" => ServerQuestion::Country,
        "m" => ServerQuestion::Capacity,
        "p" => ServerQuestion::Place,
        "d" => ServerQuestion::Domain,
        "a" => ServerQuestion::Access,
        _ => return Err(ButtonError::Unknown),
    })
}

pub(super) fn change(text: &str) -> Result<NodeChange, ButtonError> {
    Ok(match text {
        "a" => NodeChange::Activate,
        "d" => NodeChange::Drain,
        "m" => NodeChange::Maintain,
        "r" => NodeChange::Remove,
        "f" => NodeChange::Forget,
        _ => return Err(ButtonError::Unknown),
    })
}

pub(super) fn what(change: ServiceChange) -> String {
    match change {
        ServiceChange::Pause => "p".to_owned(),
        ServiceChange::Resume => "r".to_owned(),
        ServiceChange::Extend { days } => format!("e{days}"),
        ServiceChange::Revoke => "x".to_owned(),
    }
}

pub(super) fn service_change(text: &str) -> Result<ServiceChange, ButtonError> {
    Ok(match text {
        "p" => ServiceChange::Pause,
        "r" => ServiceChange::Resume,
        "x" => ServiceChange::Revoke,
        other => {
            let days: u16 = number(other.strip_prefix('e').ok_or(ButtonError::Unknown)?)?;
            if days == 0 || days > EXTEND_MAX_DAYS {
                return Err(ButtonError::Unknown);
            }
            ServiceChange::Extend { days }
        }
    })
}

pub(super) const fn place_of(step: PromotionStep) -> u8 {
    match step {
        PromotionStep::Start => 1,
        PromotionStep::Place => 2,
        PromotionStep::Secret => 3,
        PromotionStep::Tag => 4,
    }
}

pub(super) fn step(text: &str) -> Result<PromotionStep, ButtonError> {
    let number: u8 = number(text)?;
    PromotionStep::ALL.into_iter().find(|step| place_of(*step) == number).ok_or(ButtonError::Unknown)
}

pub(super) fn switch(text: &str) -> Result<bool, ButtonError> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(ButtonError::Unknown),
    }
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, ButtonError> {
    text.parse().map_err(|_| ButtonError::Unknown)
}
