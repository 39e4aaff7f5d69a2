// The one WebSocket to the server: requests and their answers, events, and coming back after it
// was lost. It knows no chat: what is said after opening (the login) is given to it.
//
// An answer is a frame whose `status` says success or error; it belongs to the request with its `id`.
// Events may carry an `id` too, the one their sender chose, so `id` alone says nothing.

/** The first pause before a new attempt, and the longest. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 10_000;

/** The longest pause that a server may ask for when it stops. */
const TOLD_MS_MAX = 60_000;

/** After so much silence the server is asked, and after so much more the connection counts as dead. */
const SILENCE_MS = 25_000;
const ANSWER_MS = 10_000;

/** How long opening may take, and the login after it: a password waits when somebody guesses. */
const OPENING_MS = 15_000;
const LOGIN_MS = 45_000;

export class Connection {
  /** @type {'off' | 'connecting' | 'open' | 'waiting'} */
  state = 'off';

  #url;
  #greet = async () => {};
  #socket = null;
  #awaited = new Map();
  #listeners = new Map();
  #nextId = 1;
  #pauseMs = PAUSE_MS_MIN;
  #toldMs = null;
  #timer = null;
  #deadline = 0;
  #heardAt = 0;

  constructor(url) {
    this.#url = url;
    setInterval(() => this.#watch(), 5_000);
  }

  /**
   * Connects, and stays connected until `stop`.
   * @param {() => Promise<void>} greet what is to be done before anything else; a rejection ends it
   */
  start(greet) {
    this.stop();
    this.#greet = greet;
    this.#pauseMs = PAUSE_MS_MIN;
    this.#connect();
  }

  /** Ends the connection and does not come back. */
  stop() {
    clearTimeout(this.#timer);
    this.#toldMs = null;
    this.#drop();
    this.#become('off');
  }

  /** Tries at once instead of after the pause: the network is back, or somebody looks. */
  hurry() {
    if (this.state !== 'waiting') return;
    this.#pauseMs = PAUSE_MS_MIN;
    this.#connect();
  }

  /** Makes sure soon that the connection still is one: the network has changed. */
  doubt() {
    if (this.state !== 'open') return;
    this.#heardAt = Math.min(this.#heardAt, Date.now() - SILENCE_MS - 1);
    this.#watch();
  }

  /**
   * Sends a request.
   * @returns {Promise<object>} its answer; rejects with `{code, message}` when it is refused, and
   *   with the code `disconnected` when the connection goes first
   */
  request(frame) {
    if (this.state !== 'open') return Promise.reject({ code: 'disconnected' });
    return this.ask(frame);
  }

  /** A request that the greeting makes, before the connection counts as open. */
  ask(frame) {
    return new Promise((resolve, reject) => {
      const id = frame.id ?? this.#nextId++;
      this.#awaited.set(id, { resolve, reject });
      this.#write({ ...frame, id });
    });
  }

  /** Sends what gets no answer. Lost when there is no connection. */
  tell(frame) {
    if (this.state === 'open') this.#write(frame);
  }

  /** Calls `listener` for events of a type, and for `open`, `close` and `state`. */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, []);
    this.#listeners.get(type).push(listener);
  }

  #emit(type, detail) {
    for (const listener of this.#listeners.get(type) ?? []) listener(detail);
  }

  #become(state) {
    if (this.state === state) return;
    const was = this.state;
    this.state = state;
    if (was === 'open') this.#emit('close');
    if (state === 'open') this.#emit('open');
    this.#emit('state', state);
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#become('connecting');
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#deadline = this.#heardAt + OPENING_MS;
    socket.onopen = async () => {
      this.#deadline = Date.now() + LOGIN_MS;
      try {
        await this.#greet();
        if (this.#socket !== socket) return;
        this.#pauseMs = PAUSE_MS_MIN;
        this.#become('open');
      } catch (error) {
        if (this.#socket !== socket) return;
        // A lost connection comes back by itself; whoever was refused for good calls `stop`.
        this.#lost();
        if (!error?.code) throw error;
      }
    };
    socket.onmessage = ({ data }) => {
      this.#heardAt = Date.now();
      this.#read(data);
    };
    socket.onclose = () => this.#lost();
  }

  #read(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.status !== 'success' && frame.status !== 'error') return this.#emit(frame.type, frame);
    const awaited = this.#awaited.get(frame.id);
    // A server that stops says when to come back, to each of its clients another time.
    if (frame.code === 'shutting_down' && Number.isInteger(frame.retry_ms) && frame.retry_ms >= 0) {
      this.#toldMs = Math.min(frame.retry_ms, TOLD_MS_MAX);
    }
    if (!awaited) return this.#emit('refusal', frame);
    this.#awaited.delete(frame.id);
    if (frame.status === 'success') awaited.resolve(frame);
    else awaited.reject({ code: frame.code, message: frame.message });
  }

  #write(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Asks after silence. A browser may take minutes to notice that a network is gone. */
  #watch() {
    const silent = Date.now() - this.#heardAt;
    if (this.state === 'connecting' && Date.now() > this.#deadline) this.#lost();
    if (this.state !== 'open') return;
    if (silent > SILENCE_MS + ANSWER_MS) this.#lost();
    else if (silent > SILENCE_MS) this.ask({ type: 'ping' }).catch(() => {});
  }

  #lost() {
    if (this.state === 'off') return;
    this.#drop();
    this.#become('waiting');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), this.#toldMs ?? this.#nextPause());
    this.#toldMs = null;
  }

  #nextPause() {
    // Not all at once after a server has crashed.
    const pause = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
    return pause;
  }

  /** Lets go of the socket, whatever it is about to say. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const awaited = [...this.#awaited.values()];
    this.#awaited.clear();
    for (const { reject } of awaited) reject({ code: 'disconnected' });
  }
}
