//! What the server says to limits that could not work.

use crate::text::{Lang, Sentence, say};

/// A value outside of what can work.
pub fn out_of_range(lang: Lang, option: &str, value: &str, (least, most): (&str, &str)) -> String {
    match lang {
        Lang::Pt => format!(
            "{option} {value}: use de {least} a {most}; com outro valor o servidor não teria como \
             funcionar"
        ),
        Lang::En => {
            format!("{option} {value}: use {least} to {most}; the server could not work otherwise")
        }
    }
}

/// Less may come after the login than before it.
pub const LOGIN_FRAME_ABOVE_FRAME: Sentence = say(
    "--max-login-frame é maior que --max-frame: depois do login caberia menos do que antes",
    "--max-login-frame is above --max-frame: less would fit after the login than before it",
);

/// No frame of that size can come in whole.
pub const FRAME_ABOVE_INPUTS: Sentence = say(
    "--max-inputs é menor que --max-frame: um pedido desse tamanho nunca chegaria inteiro",
    "--max-inputs is below --max-frame: no request of that size could come in whole",
);

/// Who comes back after a while would be closed for what the server itself sends.
pub const NO_ROOM_FOR_A_PAGE: Sentence = say(
    "--outbox-hard não é 768KiB maior que --outbox-soft: uma página do que alguém perdeu não caberia, \
     e quem lê devagar seria desconectado em vez de esperar",
    "--outbox-hard is not 768KiB more than --outbox-soft: a page of what somebody missed would not fit, \
     and a slow reader would be closed instead of held up",
);

/// One connection would be too much for all.
pub const HARD_ABOVE_ALL: Sentence = say(
    "--max-outboxes é menor que --outbox-hard: uma conexão só já seria demais para todas",
    "--max-outboxes is below --outbox-hard: one connection alone would be too much for all",
);
