/* The chat of kbsupport. One file, no build, nothing beside it:
 *   <script src="https://HOST/chat.js" data-key="kbs_…" async></script>
 * data-key: a key for visitors; or data-token-url: an address of your own that answers {"token"}.
 * data-title names the chat; data-open opens it at once. docs/chat.md tells more. */
(() => {
  "use strict";
  const given = document.currentScript;
  if (!given || document.querySelector("kbsupport-chat")) return;
  const home = new URL(given.src).origin;
  const options = { ...given.dataset };
  const shelf = `kbsupport:${home}:${options.key ?? options.tokenUrl ?? ""}`;
  const LONGEST_PAUSE = 30000;
  const MINUTE = 60000;
  /* So long may an answer be under way; then the line is taken for dead. */
  const PATIENCE = 10000;
  /* The server hangs up on whoever sends more bytes in one frame. */
  const LARGEST = 16384;
  const LEFT = 4401;
  const SOON = "A person will answer here.";

  const STYLE = `
    :host { all: initial; --paper: #fff; --ink: #1b1f24; --soft: #eef1f5; --quiet: #56606b;
      --line: #c9d1da; --accent: #14519b; --on-accent: #fff; --warn: #8a3b00;
      position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; color-scheme: light dark;
      font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    @media (prefers-color-scheme: dark) {
      :host { --paper: #14181d; --ink: #eceff3; --soft: #252c35; --quiet: #a9b4c0;
        --line: #3b4552; --accent: #8ab8f5; --on-accent: #0c1520; --warn: #ffb784; } }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    button { font: inherit; cursor: pointer; border-radius: 10px; border: 1px solid transparent; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .opener { padding: 12px 20px; border-radius: 26px; background: var(--accent);
      color: var(--on-accent); font-weight: 600; box-shadow: 0 3px 14px #0005; }
    .sheet { display: flex; flex-direction: column; width: 380px; height: min(600px, 86vh);
      background: var(--paper); color: var(--ink); border: 1px solid var(--line);
      border-radius: 14px; overflow: hidden; box-shadow: 0 8px 34px #0006;
      animation: rise .18s ease-out; }
    @keyframes rise { from { transform: translateY(14px); opacity: 0; } }
    header { display: flex; align-items: center; gap: 8px; padding: 10px 10px 10px 16px;
      border-bottom: 1px solid var(--line); }
    h2 { all: unset; flex: 1; font-weight: 650; }
    header button { background: none; color: var(--ink); width: 44px; height: 40px; font-size: 22px;
      line-height: 1; }
    .net { margin: 0; padding: 6px 16px; color: var(--warn); background: var(--soft);
      font-size: 14px; }
    .log { flex: 1; overflow-y: auto; margin: 0; padding: 14px; list-style: none; display: flex;
      flex-direction: column; gap: 8px; overscroll-behavior: contain; }
    .log li { max-width: 88%; overflow-wrap: anywhere; }
    .by { display: block; font-size: 12.5px; color: var(--quiet); margin: 0 4px 2px; }
    .text { margin: 0; padding: 9px 13px; border-radius: 13px; white-space: pre-wrap;
      background: var(--soft); }
    .customer { align-self: flex-end; }
    .customer .text { background: var(--accent); color: var(--on-accent); }
    .waiting .text, .failed .text { opacity: .72; }
    .failed .by { color: var(--warn); }
    .line { align-self: center; text-align: center; font-size: 13.5px; color: var(--quiet); }
    .from { margin: 4px 4px 0; padding: 0; list-style: none; font-size: 13.5px; }
    .from a { color: var(--accent); }
    .ask { margin: 4px 4px 0; font-size: 13.5px; color: var(--quiet); }
    .ask button { min-width: 44px; min-height: 36px; margin-left: 4px; background: var(--soft);
      color: var(--ink); border-color: var(--line); }
    .typing { padding: 0 18px 8px; font-size: 13.5px; color: var(--quiet); margin: 0; }
    form { display: flex; gap: 8px; padding: 10px; border-top: 1px solid var(--line); }
    textarea { flex: 1; min-width: 0; resize: none; font: inherit; color: inherit; height: 46px;
      background: var(--paper); border: 1px solid var(--quiet); border-radius: 10px;
      padding: 10px 12px; }
    form button { background: var(--accent); color: var(--on-accent); padding: 0 16px;
      font-weight: 600; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
      white-space: nowrap; }
    @media (max-width: 480px) {
      :host(.open) { inset: 0; }
      .sheet { width: 100vw; height: 100vh; height: 100dvh; border: 0; border-radius: 0; } }
    @media (prefers-reduced-motion: reduce) { .sheet { animation: none; } }`;

  const make = (tag, fields = {}, ...inner) => {
    const made = Object.assign(document.createElement(tag), fields);
    for (const one of inner) if (one) made.append(one);
    return made;
  };
  const name = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
  const framed = (one) => JSON.stringify({ type: "message", id: one.id, text: one.text });
  const fits = (one) => new TextEncoder().encode(framed(one)).length <= LARGEST;
  const safe = (url) => {
    try {
      const found = new URL(url);
      return ["http:", "https:"].includes(found.protocol) ? found.href : null;
    } catch {
      return null;
    }
  };

  /* For whom a token or key speaks: the customer in it, or the key's own name. */
  const subject = (token) => {
    try {
      const [body] = token.replace("kbt_", "").replace(/-/g, "+").replace(/_/g, "/").split(".");
      return `customer ${JSON.parse(atob(body))[1]}`;
    } catch {
      return `key ${String(token).split("_")[1]}`;
    }
  };

  /* What is remembered until the tab is closed: whose chat it is, and what was not sent yet.
   * What was `left` before the page was loaded is neither shown nor sent until it is known who
   * is here now. */
  const memory = {
    who: null, conversation: null, token: null, waiting: [], left: [],
    load() {
      try {
        const { who = null, conversation = null, token = null, waiting = [] } =
          JSON.parse(sessionStorage.getItem(shelf) ?? "{}");
        Object.assign(this, { who, conversation, token, left: waiting.filter(fits) });
      } catch { /* without storage the chat lasts as long as the page */ }
    },
    keep() {
      try {
        const { who, conversation, token } = this;
        const waiting = [...this.left, ...this.waiting];
        sessionStorage.setItem(shelf, JSON.stringify({ who, conversation, token, waiting }));
      } catch { /* the same */ }
    },
  };

  class Refused extends Error {}

  /* The way to the server: a pass, a socket, and again after a pause when it breaks. */
  class Line {
    constructor(hear, net) {
      Object.assign(this, { hear, net, seq: 0, tries: 0, socket: null, up: false, over: false });
      this.unanswered = new Set();
      addEventListener("online", () => this.begun && this.drop(true));
    }

    async start() {
      if (this.socket || this.dialling || this.over) return;
      this.begun = this.dialling = true;
      clearTimeout(this.later);
      try {
        const pass = await this.enter();
        const address = `${home.replace(/^http/, "ws")}/v1/chat`;
        this.listen(new WebSocket(`${address}?ticket=${pass.ticket}&after=${this.seq}`));
      } catch (error) {
        if (error instanceof Refused) {
          this.over = true;
          this.net("This chat is not available here.");
        } else {
          this.down(error.wait);
        }
      } finally {
        this.dialling = false;
      }
    }

    listen(socket) {
      this.socket = socket;
      this.expect();
      socket.onmessage = (event) => {
        const frame = JSON.parse(event.data);
        if (frame.type === "state" && !this.up) {
          Object.assign(this, { up: true, since: performance.now() });
          this.expect();
          this.net("");
        }
        if (!this.up || this.unanswered.delete(frame.id)) this.expect();
        if (frame.type === "ack") this.tries = 0;
        if (frame.type !== "message") this.hear(frame);
        else if (frame.seq > this.seq) {
          this.seq = frame.seq;
          this.hear(frame);
        }
      };
      socket.onclose = (event) => {
        if (event.code === LEFT && !options.key) this.token = null;
        this.down();
      };
    }

    /* A socket whose other end is gone does not say so for minutes: it is left behind. */
    drop(now) {
      const old = this.socket;
      if (old) {
        old.onmessage = old.onclose = null;
        old.close();
        this.down();
      }
      if (now) this.again(0);
    }

    /* Something has to come within a time: at first where things stand, then an answer to each. */
    expect() {
      clearTimeout(this.overdue);
      this.overdue = null;
      if (!this.up || this.unanswered.size) this.overdue = setTimeout(() => this.drop(), PATIENCE);
    }

    down(wait = 0) {
      if (this.up && performance.now() - this.since > LONGEST_PAUSE) this.tries = 0;
      clearTimeout(this.overdue);
      this.unanswered.clear();
      Object.assign(this, { socket: null, up: false, overdue: null });
      this.net("No connection. What you write is sent as soon as it is back.");
      const pause = Math.min(LONGEST_PAUSE, 400 * 2 ** this.tries++) * (0.5 + Math.random() / 2);
      this.again(Math.max(wait, pause));
    }

    again(pause) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.start(), pause);
    }

    say(one) {
      if (!this.up || this.socket.readyState !== WebSocket.OPEN) return;
      this.socket.send(framed(one));
      this.unanswered.add(one.id);
      if (!this.overdue) this.expect();
    }

    /* A pass for one socket: with a new token where the old one ended; else one begins anew. */
    async enter() {
      let reply = await this.ask();
      if (reply.status === 401 && !options.key) {
        this.token = null;
        reply = await this.ask();
      }
      if ([401, 404].includes(reply.status) && memory.conversation) {
        Object.assign(memory, { conversation: null, token: null });
        this.seq = 0;
        this.hear({ type: "anew" });
        reply = await this.ask();
      }
      if ([400, 401, 403, 404, 422].includes(reply.status)) throw new Refused();
      if (!reply.ok) {
        const wait = 1000 * (Number(reply.headers.get("Retry-After")) || 0);
        throw Object.assign(new Error("not now"), { wait });
      }
      const pass = await reply.json();
      memory.conversation = pass.conversation_id;
      if (pass.token) {
        memory.token = pass.token;
        this.renew(pass.token_expires_in * 500);
      }
      memory.keep();
      return pass;
    }

    async ask() {
      const bearer = await this.bearer();
      const wish = memory.conversation ? { conversation_id: memory.conversation } : {};
      return this.post("/v1/chat/tickets", wish, bearer);
    }

    /* Somebody else may be here than before, in this tab or even on this page. */
    meet(who) {
      if (who !== memory.who) {
        Object.assign(memory, { conversation: null, left: [] });
        this.seq = 0;
        if (this.met) this.hear({ type: "other" });
      }
      memory.who = who;
      this.met = true;
      memory.keep();
      this.hear({ type: "met" });
    }

    renew(after) {
      clearTimeout(this.renewal);
      this.renewal = setTimeout(() => this.enter().catch(() => this.renew(MINUTE)), after);
    }

    async bearer() {
      if (options.key) return memory.token ?? options.key;
      if (!this.token) {
        const reply = await fetch(options.tokenUrl, {
          credentials: "same-origin", signal: AbortSignal.timeout?.(LONGEST_PAUSE),
        });
        if (!reply.ok) throw new Error("no token");
        this.token = (await reply.json()).token;
        this.meet(subject(this.token));
      }
      return this.token;
    }

    post(path, body, bearer) {
      return fetch(home + path, {
        method: "POST", body: JSON.stringify(body), credentials: "omit", referrerPolicy: "no-referrer",
        headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
        signal: AbortSignal.timeout?.(LONGEST_PAUSE),
      });
    }
  }

  class Chat extends HTMLElement {
    connectedCallback() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      this.title_ = options.title || "Support chat";
      this.build(root);
      this.unread = 0;
      memory.load();
      this.line = new Line((frame) => this.hear(frame), (text) => this.net(text));
      if (options.key) this.takeUp();
      if (memory.conversation) this.line.start();
      if ("open" in options) this.open();
    }

    build(root) {
      const close = make("button", { type: "button", textContent: "×", onclick: () => this.close() });
      close.setAttribute("aria-label", "Close the chat");
      this.log = make("ol", { className: "log", tabIndex: 0 });
      for (const [key, value] of [["role", "log"], ["aria-live", "polite"], ["aria-label", "Messages"]])
        this.log.setAttribute(key, value);
      this.said = make("textarea", { id: "said", rows: 1, maxLength: 8000, placeholder: "Write a message" });
      this.said.onkeydown = (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.send();
        }
      };
      const label = make("label", { htmlFor: "said", className: "unseen", textContent: "Your message" });
      const form = make("form", {}, label, this.said, make("button", { textContent: "Send" }));
      form.onsubmit = (event) => { event.preventDefault(); this.send(); };
      this.status = make("p", { className: "net", hidden: true });
      this.status.setAttribute("role", "status");
      this.typing = make("p", { className: "typing", hidden: true, textContent: "The assistant is writing…" });
      const heading = make("h2", { id: "title", textContent: this.title_ });
      this.sheet = make(
        "section", { className: "sheet", hidden: true },
        make("header", {}, heading, close), this.status, this.log, this.typing, form,
      );
      this.sheet.setAttribute("role", "dialog");
      this.sheet.setAttribute("aria-labelledby", "title");
      this.sheet.onkeydown = (event) => this.key(event);
      this.opener = make("button", { className: "opener", type: "button", onclick: () => this.open() });
      this.badge();
      root.append(this.sheet, this.opener);
    }

    open() {
      this.sheet.hidden = false;
      this.opener.hidden = true;
      this.classList.add("open");
      this.unread = 0;
      this.badge();
      this.line.start();
      this.said.focus();
      this.log.scrollTop = this.log.scrollHeight;
    }

    close() {
      this.sheet.hidden = true;
      this.opener.hidden = false;
      this.classList.remove("open");
      this.opener.focus();
    }

    /* On a phone the chat covers the page, so the focus stays in it. */
    key(event) {
      if (event.key === "Escape") return this.close();
      if (event.key !== "Tab" || !matchMedia("(max-width: 480px)").matches) return;
      const stops = [...this.sheet.querySelectorAll("button, a[href], textarea, [tabindex]")];
      const end = event.shiftKey ? stops[0] : stops.at(-1);
      if (this.shadowRoot.activeElement === end) {
        event.preventDefault();
        (event.shiftKey ? stops.at(-1) : stops[0]).focus();
      }
    }

    badge() {
      const count = this.unread ? ` (${this.unread})` : "";
      this.opener.textContent = this.title_ + count;
      this.opener.setAttribute("aria-label", `Open ${this.title_}${this.unread ? `, ${this.unread} new` : ""}`);
    }

    net(text) {
      this.status.textContent = text;
      this.status.hidden = !text;
    }

    send() {
      const text = this.said.value.trim();
      if (!text) return;
      const one = { id: name(), text };
      if (!fits(one)) return this.note("This is too long for one message. Send it in parts.");
      memory.waiting.push(one);
      memory.keep();
      this.bubble("customer", text, { id: one.id });
      this.said.value = "";
      this.said.focus();
      this.line.start();
      this.line.say(one);
    }

    /* What was left unsent before the page was loaded is theirs: it is shown, and sent. */
    takeUp() {
      for (const one of memory.left) this.bubble("customer", one.text, { id: one.id });
      memory.waiting.unshift(...memory.left.splice(0));
    }

    hear(frame) {
      const heard = {
        message: () => this.message(frame), ack: () => this.ack(frame), error: () => this.error(frame),
        typing: () => this.writes(true), state: () => this.state(frame), anew: () => this.anew(),
        met: () => this.takeUp(), other: () => this.forget(),
        escalated: () => { this.writes(false); this.note(SOON); },
        joined: () => this.note(`${frame.name ?? "A specialist"} joined the chat.`),
        closed: () => this.note("This conversation is closed. Write to open it again."),
        answered: () => { this.writes(false); this.ask(); },
      }[frame.type];
      if (frame.ticket_id) this.ticket = frame.ticket_id;
      heard?.();
    }

    message(frame) {
      if (frame.author === "customer" && this.at(frame.seq)) return;
      if (frame.author !== "customer") {
        this.writes(false);
        this.unread += this.sheet.hidden ? 1 : 0;
        this.badge();
      }
      this.bubble(frame.author, frame.text, frame);
    }

    at(seq) {
      return this.log.querySelector(`[data-seq="${Number(seq)}"]`);
    }

    /* It need not be sent again; its place in the log, if it has one. */
    done(id) {
      memory.waiting = memory.waiting.filter((one) => one.id !== id);
      memory.keep();
      return [...this.log.children].find((one) => one.dataset.id === id);
    }

    ack({ id, seq }) {
      const mine = this.done(id);
      if (!mine) return;
      if (this.at(seq)) return mine.remove();
      mine.classList.remove("waiting");
      mine.dataset.seq = seq;
      this.put(mine);
    }

    error({ code, id }) {
      const mine = memory.waiting.find((one) => one.id === id);
      if (!mine) return;
      if (["rate_limited", "not_stored"].includes(code)) {
        setTimeout(() => memory.waiting.includes(mine) && this.line.say(mine), 5000);
        return;
      }
      const shown = this.done(id);
      shown?.classList.replace("waiting", "failed");
      shown?.append(make("span", { className: "by", textContent: "Not sent" }));
      this.note("A message of yours could not be sent.");
    }

    state(frame) {
      this.writes(frame.typing);
      if (frame.seq === undefined) return;
      /* The socket is new: what was not acknowledged is sent again, by the same id. */
      for (const one of memory.waiting) this.line.say(one);
      if (frame.state === "queued") this.note(SOON);
      if (frame.state === "assigned") this.note(`${frame.name ?? "A specialist"} joined the chat.`);
    }

    anew() {
      if (this.log.querySelector("[data-seq]")) this.note("A new conversation begins here.");
      for (const one of this.log.querySelectorAll("[data-seq]")) delete one.dataset.seq;
      this.ticket = null;
    }

    /* What stands here is somebody else's. */
    forget() {
      memory.waiting = [];
      this.ticket = null;
      this.log.replaceChildren();
      this.note("A new conversation begins here.");
    }

    writes(yes) {
      this.typing.hidden = !yes;
      clearTimeout(this.silence);
      if (yes) this.silence = setTimeout(() => this.writes(false), 60000);
    }

    bubble(author, text, { id, seq, name: who, citations = [] }) {
      const by = { assistant: "Assistant", specialist: who ?? "Specialist" }[author] ?? "You";
      const made = make(
        "li", { className: `${author}${seq ? "" : " waiting"}` },
        make("span", { className: author === "customer" ? "by unseen" : "by", textContent: by }),
        make("p", { className: "text", textContent: text }),
        citations.length ? this.sources(citations) : null,
      );
      if (id) made.dataset.id = id;
      if (seq) made.dataset.seq = seq;
      this.put(made);
    }

    sources(citations) {
      const one = ({ title, url }) => {
        const href = safe(url);
        const text = title || href;
        if (!href) return make("li", {}, `Source: ${text}`);
        const link = make("a", { href, target: "_blank", rel: "noopener nofollow", textContent: text });
        return make("li", {}, "Source: ", link);
      };
      const once = new Map(citations.map((cited) => [`${cited.title} ${cited.url}`, cited]));
      return make("ul", { className: "from" }, ...[...once.values()].map(one));
    }

    /* In the order of the conversation; what has no number yet comes last. */
    put(made) {
      const place = (one) => Number(one.dataset.seq ?? (one.classList.contains("waiting") ? Infinity : -1));
      const mine = place(made);
      const after = [...this.log.children].find((one) => one !== made && place(one) > mine);
      const stands = made.parentNode &&
        !(after && after.compareDocumentPosition(made) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (!stands) this.log.insertBefore(made, after ?? null);
      this.log.scrollTop = this.log.scrollHeight;
    }

    note(text) {
      if ([...this.log.querySelectorAll(".line")].at(-1)?.textContent === text) return;
      this.log.append(make("li", { className: "line", textContent: text }));
      this.log.scrollTop = this.log.scrollHeight;
    }

    /* Whether it helped: asked under the newest answer, once. */
    ask() {
      this.log.querySelector(".ask")?.remove();
      const answers = this.log.querySelectorAll(".assistant, .specialist");
      if (!answers.length || !this.ticket) return;
      const made = make("div", { className: "ask", textContent: "Did this help?" });
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", "Did this help?");
      for (const [sign, said, helpful] of [["👍", "Yes, it helped", true], ["👎", "No, it did not help", false]]) {
        const button = make("button", { type: "button", textContent: sign, onclick: () => this.rate(made, helpful) });
        button.setAttribute("aria-label", said);
        made.append(button);
      }
      answers[answers.length - 1].append(made);
      this.log.scrollTop = this.log.scrollHeight;
    }

    async rate(asked, helpful) {
      asked.textContent = "Thank you.";
      this.said.focus();
      try {
        const path = `/v1/tickets/${encodeURIComponent(this.ticket)}/feedback`;
        const reply = await this.line.post(path, { helpful }, await this.line.bearer());
        if (!reply.ok && reply.status !== 409) throw new Error("not kept");
      } catch {
        asked.textContent = "That could not be kept.";
      }
    }
  }

  customElements.define("kbsupport-chat", Chat);
  const show = () => document.body.append(document.createElement("kbsupport-chat"));
  if (document.body) show();
  else addEventListener("DOMContentLoaded", show);
})();
