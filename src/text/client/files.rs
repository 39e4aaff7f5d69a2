//! Files on their way, and those that wait to be fetched.

use super::size;
use crate::text::{Lang, Sentence, say};

/// Which file is to be fetched.
pub const ASK_OFFER: Sentence =
    say("Digite o número do arquivo a baixar:", "Enter the number of the file to download:");

/// Above the files that may be fetched.
pub const OFFERS_HEAD: Sentence = say("📥 Arquivos por baixar:", "📥 Files to download:");

/// There is nothing to fetch.
pub const NO_OFFERS: Sentence =
    say("📥 Não há arquivos por baixar.", "📥 There are no files to download.");

/// A number that the list does not have.
pub const NO_SUCH_OFFER: Sentence = say(
    "Não há arquivo com esse número. A opção 24 mostra a lista.",
    "There is no file of that number. Option 24 shows the list.",
);

/// Below a file that is not fetched by itself.
pub fn offered(lang: Lang, bytes: u64) -> String {
    let size = size(lang, bytes);
    match lang {
        Lang::Pt => format!("   {size}, ainda não baixado: a opção 24 baixa."),
        Lang::En => format!("   {size}, not downloaded yet: option 24 does it."),
    }
}

/// The same where there is no menu.
pub fn offered_to_script(lang: Lang, bytes: u64) -> String {
    let size = size(lang, bytes);
    match lang {
        Lang::Pt => format!("   {size}, não baixado: passa de --auto-download"),
        Lang::En => format!("   {size}, not downloaded: over --auto-download"),
    }
}

/// A file that is fetched.
pub fn fetching_file(lang: Lang, name: &str, bytes: u64) -> String {
    let size = size(lang, bytes);
    match lang {
        Lang::Pt => format!("📥 Baixando {name} ({size})..."),
        Lang::En => format!("📥 Downloading {name} ({size})..."),
    }
}

/// A transfer goes on where it stopped.
pub fn resuming(lang: Lang, name: &str, from: u64) -> String {
    let from = size(lang, from);
    match lang {
        Lang::Pt => format!("⏩ {name}: retomando de {from}"),
        Lang::En => format!("⏩ {name}: resuming from {from}"),
    }
}

/// How far a long transfer is.
pub fn so_far(lang: Lang, name: &str, moved: u64, all: u64) -> String {
    let percent = moved.saturating_mul(100) / all.max(1);
    let (moved, all) = (size(lang, moved), size(lang, all));
    match lang {
        Lang::Pt => format!("⏳ {name}: {percent}% ({moved} de {all})"),
        Lang::En => format!("⏳ {name}: {percent}% ({moved} of {all})"),
    }
}

/// Of a progress bar: the file is read once before it is sent.
pub const HASHING: Sentence = say("conferindo", "checking");

/// Of a progress bar: there is no connection.
pub const WAITING: Sentence = say("reconectando", "reconnecting");

/// What arrived is not what was sent.
pub fn wrong_bytes(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "{name} chegou com outros bytes (SHA-256 diferente) e foi descartado. Baixe de novo, ou peça que o enviem de novo."
        ),
        Lang::En => format!(
            "{name} arrived with other bytes (another SHA-256) and was dropped. Download it again, or ask for it again."
        ),
    }
}

/// The file is being fetched already.
pub fn under_way(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Pt => format!("{name} já está sendo baixado."),
        Lang::En => format!("{name} is being downloaded already."),
    }
}

/// The server does not answer about a file.
pub fn file_unanswered(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Pt => format!("{name}: o servidor não respondeu como devia. Tente de novo."),
        Lang::En => format!("{name}: the server did not answer as it should. Try again."),
    }
}

/// Who leaves interrupts so many transfers.
pub fn interrupted(lang: Lang, count: usize) -> String {
    match (lang, count) {
        (Lang::Pt, 1) => {
            "1 arquivo ficou pela metade; enviado ou baixado de novo, continua dali.".to_owned()
        }
        (Lang::Pt, _) => format!(
            "{count} arquivos ficaram pela metade; enviados ou baixados de novo, continuam dali."
        ),
        (Lang::En, 1) => "1 file is not across; sent or downloaded again, it goes on.".to_owned(),
        (Lang::En, _) => {
            format!("{count} files are not across; sent or downloaded again, they go on.")
        }
    }
}

/// What `--auto-download` takes.
pub const SIZES: Sentence =
    say("500KiB, 20MiB, 2GiB, ou 0 para nenhum", "500KiB, 20MiB, 2GiB, or 0 for none");
