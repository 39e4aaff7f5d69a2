//! What browsers and monitors are told when there is nothing else for them: one line of text each.

use super::{Sentence, say};

/// 400
pub const BAD_REQUEST: Sentence =
    say("O pedido HTTP não pode ser entendido", "The HTTP request cannot be understood");

/// 403, for a page that comes from elsewhere.
pub const FOREIGN_ORIGIN: Sentence = say(
    "Esta página vem de outro lugar. Se ela puder entrar, inicie o servidor com --allow-origin ORIGEM",
    "This page comes from elsewhere. If it may come in, start the server with --allow-origin ORIGIN",
);

/// 403, for a name that may be anybody's.
pub const FOREIGN_HOST: Sentence = say(
    "Este servidor não se conhece por este nome. Se for dele, inicie-o com --allow-origin \
     https://NOME",
    "This server does not know itself by this name. If it is its own, start it with --allow-origin \
     https://NAME",
);

/// 403, for numbers about the server.
pub const NOT_PUBLIC: Sentence = say(
    "Só para esta máquina. Para todos, inicie o servidor com --metrics-public",
    "For this machine alone. For everybody, start the server with --metrics-public",
);

/// 404
pub const NOT_FOUND: Sentence = say("Não há nada aqui", "There is nothing here");

/// 405
pub const METHOD: Sentence = say("Aqui só GET e HEAD", "Only GET and HEAD here");

/// 408
pub const TIMEOUT: Sentence = say("O pedido demorou demais", "The request took too long");

/// 413
pub const BODY: Sentence = say("Aqui nenhum pedido traz corpo", "No request brings a body here");

/// 426
pub const UPGRADE: Sentence = say(
    "Aqui se fala WebSocket, versão 13 (RFC 6455)",
    "WebSocket is spoken here, version 13 (RFC 6455)",
);

/// 431
pub const HEAD_TOO_LARGE: Sentence =
    say("Os cabeçalhos do pedido são grandes demais", "The headers of the request are too large");

/// 503
pub const UNAVAILABLE: Sentence = say(
    "O servidor não atende agora. Tente de novo daqui a pouco",
    "The server takes no requests now. Try again in a while",
);

/// 505
pub const VERSION: Sentence = say("Aqui se fala HTTP/1.1", "HTTP/1.1 is spoken here");
