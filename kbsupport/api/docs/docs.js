/* The page /docs: what /openapi.json says, by group. Words of the document stay words. */
(async () => {
  "use strict";
  const DEEPEST = 6;
  const WHO = { no: "", also: " A key that stands in a page may, too.",
    only: " Only a key that stands in a page may." };
  const place = (id) => document.getElementById(id);
  let found;

  const make = (tag, given, ...inner) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
    made.append(...inner);
    return made;
  };
  const words = (text) => text.split(/`([^`]*)`/).map((part, at) =>
    at % 2 ? make("code", {}, part) : part);
  const paragraphs = (text) => text.split(/\n\s*\n/).filter((one) => one.trim()).map((one) =>
    make("p", {}, ...words(one)));

  /* What a "#/components/…" stands for. */
  const resolved = (given) => given && given.$ref
    ? resolved(given.$ref.slice(2).split("/").reduce((at, name) => at[name], found)) : given ?? {};
  const choices = (schema) => (schema.anyOf ?? schema.oneOf ?? []).filter((one) =>
    one.type !== "null");

  const kind = (given) => {
    const schema = resolved(given);
    if ("const" in schema) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
    const several = choices(schema);
    if (several.length) return [...new Set(several.map(kind))].join(" | ");
    if (schema.type === "array") return `list of ${kind(schema.items)}`;
    const bounds = [["minimum", "from "], ["maximum", "to "], ["minLength", "at least "],
      ["maxLength", "at most "]].filter(([name]) => schema[name] !== undefined);
    const signs = bounds.some(([name]) => name.endsWith("Length")) ? " signs" : "";
    const said = bounds.map(([name, text]) => text + schema[name]).join(", ");
    return [schema.format ?? schema.type ?? "anything", said && said + signs]
      .filter(Boolean).join(", ");
  };

  /* One value that fits; of what may be left out only what the document gives an example of. */
  const example = (given, whole, depth = 0) => {
    const schema = resolved(given);
    for (const one of [given, schema]) {
      if (one?.example !== undefined) return one.example;
      if (one?.examples?.length) return one.examples[0];
    }
    if ("const" in schema) return schema.const;
    if (schema.enum) return schema.enum[0];
    if (depth > DEEPEST) return null;
    const several = choices(schema);
    if (several.length) return example(several[0], whole, depth + 1);
    if (schema.properties) {
      const wanted = Object.entries(schema.properties).filter(([name, one]) =>
        whole || (schema.required ?? []).includes(name) || resolved(one).examples);
      return Object.fromEntries(wanted.map(([name, one]) =>
        [name, example(one, whole, depth + 1)]));
    }
    if (schema.type === "array") return schema.items ? [example(schema.items, whole, depth + 1)] : [];
    const plain = { integer: schema.minimum ?? 1, number: 0.5, boolean: true, object: {} };
    return plain[schema.type] ?? (schema.format === "date-time" ? "2026-01-31T09:00:00+00:00" : "…");
  };

  const part = (title, ...inner) => [make("h4", {}, title), ...inner];
  const rows = (entries) => make("dl", {}, ...entries.flatMap(([name, about, text]) => [
    make("dt", {}, make("code", {}, name), " ", make("span", {}, about)),
    ...(text ? [make("dd", {}, ...(typeof text === "string" ? words(text) : text))] : []),
  ]));

  const parameters = (given) => given.length ? part("Parameters", rows(given.map(resolved).map(
    (one) => [one.name, `${one.in}, ${kind(one.schema)}${one.required ? ", required" : ""}`,
      one.description]))) : [];

  const body = (schema) => {
    const whole = resolved(schema);
    const entries = Object.entries(whole.properties ?? {});
    return entries.length ? part("Body", rows(entries.map(([name, one]) => [name,
      kind(one) + ((whole.required ?? []).includes(name) ? ", required" : ""),
      one.description ?? resolved(one).description]))) : [];
  };

  const request = (method, path, operation, schema) => {
    const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${location.origin}${path}"`];
    if (operation["x-scope"]) lines.push('-H "Authorization: Bearer $KEY"');
    if (schema) {
      const said = JSON.stringify(example(schema, false), null, 2).replaceAll("'", "'\\''");
      lines.push('-H "Content-Type: application/json"', `-d '${said}'`);
    }
    return part("Request", make("pre", {}, lines.join(" \\\n  ")));
  };

  const answer = ([status, given]) => {
    const response = resolved(given);
    const headers = Object.keys(response.headers ?? {});
    const kinds = Object.entries(response.content ?? {});
    const inner = headers.length ? [`with ${headers.join(", ")}`] : [];
    for (const [type, media] of kinds) {
      if (status < "3" && media.schema && /json$/.test(type)) {
        const shown = media.example ?? example(media.schema, true);
        inner.push(make("pre", {}, JSON.stringify(shown, null, 2)));
      }
    }
    return [status, [response.description, ...kinds.map(([type]) => type)].join(", "), inner];
  };

  const shown = (path, method, operation) => {
    const { summary = "", description = "", responses = {} } = operation;
    const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
    const rest = description.startsWith(summary) ? description.slice(summary.length) : description;
    const scope = operation["x-scope"];
    const who = scope ? `Needs a key with the scope \`${scope}\`, of the role ${
      operation["x-roles"].join(", ")}.${WHO[operation["x-visitors"]] ?? ""}` : "Open to everybody.";
    return make("details", { id: operation.operationId },
      make("summary", {}, make("h3", {}, make("span", { class: "method" }, method.toUpperCase()),
        " ", make("code", {}, path)), make("p", {}, summary)),
      make("div", { class: "inside" }, ...paragraphs(rest.replace(/^\./, "")),
        make("p", {}, ...words(who)), ...parameters(operation.parameters ?? []), ...body(schema),
        ...request(method, path, operation, schema),
        ...part("Answers", rows(Object.entries(responses).map(answer)))));
  };

  const openNamed = () => {
    const named = place(decodeURIComponent(location.hash.slice(1)));
    if (named?.tagName === "DETAILS") named.open = true;
    named?.scrollIntoView();
  };

  const find = () => {
    const wanted = place("words").value.toLowerCase().split(/\s+/);
    let fitting = 0;
    for (const group of document.querySelectorAll("section")) {
      for (const one of group.querySelectorAll("details")) {
        const text = one.textContent.toLowerCase();
        one.hidden = !wanted.every((word) => text.includes(word));
        fitting += !one.hidden;
      }
      group.hidden = !group.querySelector("details:not([hidden])");
    }
    place("told").textContent = `${fitting} operation${fitting === 1 ? "" : "s"}`;
  };

  try {
    const reply = await fetch("/openapi.json");
    if (!reply.ok) throw new TypeError(`${reply.status}`);
    found = await reply.json();
  } catch (error) {
    place("told").textContent = "The document cannot be read just now.";
    return;
  }
  place("about").append(...paragraphs(found.info.description ?? ""));
  const groups = new Map();
  for (const [path, operations] of Object.entries(found.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = operation.tags?.[0] ?? "others";
      groups.set(name, [...(groups.get(name) ?? []), shown(path, method, operation)]);
    }
  }
  for (const [name, operations] of groups) {
    place("groups").append(make("li", {}, make("a", { href: `#group-${name}` }, name)));
    place("operations").append(make("section", { id: `group-${name}` },
      make("h2", {}, name), ...operations));
  }
  place("find").addEventListener("submit", (event) => event.preventDefault());
  place("words").addEventListener("input", find);
  addEventListener("hashchange", openNamed);
  find();
  openNamed();
})();
