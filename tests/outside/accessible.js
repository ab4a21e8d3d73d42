// What people who do not see, do not point, or see little would stumble over on this page. Written against WCAG 2.2 AA;
// run in the page with its present size and colours. Gives a list of [rule, where, what]. `isTabbed`: tries the focus, too.
(isTabbed) => {
  const found = [];
  const say = (rule, each, what = "") => {
    const html = each?.outerHTML?.replace(/\s+/g, " ").slice(0, 120) ?? "";
    found.push([rule, html, String(what).slice(0, 120)]);
  };
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isShown = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest("[aria-hidden=true]");
  const isOff = (each) => each.disabled || each.closest("fieldset[disabled]");
  const clean = (text) => (text ?? "").replace(/\s+/g, " ").trim();
  const byIds = (ids) => ids.split(/\s+/).filter(Boolean).map((id) => document.getElementById(id));

  // Names.
  const textOf = (each) => {
    if (each.nodeType === Node.TEXT_NODE) return each.textContent;
    if (each.nodeType !== Node.ELEMENT_NODE || each.getAttribute("aria-hidden") === "true") return "";
    if (each.hasAttribute("aria-label")) return each.getAttribute("aria-label");
    if (each.tagName === "IMG") return each.alt;
    return [...each.childNodes].map(textOf).join(" ");
  };
  const nameOf = (each) => {
    const labelled = each.getAttribute("aria-labelledby");
    if (labelled) return clean(byIds(labelled).map((other) => other && textOf(other)).join(" "));
    if (each.getAttribute("aria-label")) return clean(each.getAttribute("aria-label"));
    if (each.labels?.length) return clean([...each.labels].map(textOf).join(" "));
    if (/^(submit|button|reset)$/.test(each.type) && each.tagName === "INPUT") return clean(each.value);
    if (/^(INPUT|SELECT|TEXTAREA|PROGRESS|METER)$/.test(each.tagName)) return clean(each.title);
    if (each.tagName.toLowerCase() === "svg") return clean(each.querySelector("title")?.textContent);
    return clean(textOf(each)) || clean(each.title);
  };
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [role=button], [role=link]";
  const controls = all(CONTROLS).filter((each) => isShown(each) && !isOff(each));
  const isMain = (each) => each.tagName === "MAIN";
  for (const each of [...controls, ...all("progress, meter, [role=img]")]) {
    if (isShown(each) && !isMain(each) && !nameOf(each) && each.tagName !== "PRE") say("has no name", each);
  }
  for (const each of all("img")) if (!each.hasAttribute("alt")) say("picture without alt", each);
  for (const each of all("label")) if (!each.control) say("label of nothing", each);
  for (const each of all("fieldset")) if (!clean(each.querySelector("legend")?.textContent)) say("group without legend", each);

  // References, and what may be there once.
  const ids = all("[id]").map((each) => each.id);
  for (const id of new Set(ids.filter((each, place) => ids.indexOf(each) !== place))) say("id used twice", document.getElementById(id));
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "aria-owns"]) {
    for (const each of all(`[${name}]`)) if (byIds(each.getAttribute(name)).includes(null)) say(`${name} of nothing`, each);
  }
  const ROLES = new Set("alert status region search img group list listitem navigation main banner note table row cell progressbar".split(" "));
  for (const each of all("[role]")) if (!ROLES.has(each.getAttribute("role"))) say("unexpected role", each);

  // Structure.
  if (!clean(document.documentElement.lang)) say("no language", document.documentElement);
  if (!clean(document.title)) say("no title", document.head);
  const levels = all("h1, h2, h3, h4, h5, h6").filter(isShown);
  if (levels.filter((each) => each.tagName === "H1").length !== 1) say("not one h1", levels[0]);
  if (levels[0] && levels[0].tagName !== "H1") say("first heading is no h1", levels[0]);
  levels.forEach((each, place) => {
    const before = place ? Number(levels[place - 1].tagName[1]) : 0;
    if (Number(each.tagName[1]) > before + 1) say("heading level skipped", each);
    if (!clean(textOf(each))) say("empty heading", each);
  });
  if (all("main").filter(isShown).length !== 1) say("not one main", document.body);
  const marks = all("nav, section[aria-label], section[aria-labelledby], aside, [role=region], [role=search], form[aria-label]").filter(isShown);
  const roleOf = (each) => each.getAttribute("role") ?? (each.tagName === "SECTION" ? "region" : each.tagName);
  const called = marks.map((each) => `${roleOf(each)} ${nameOf(each)}`);
  marks.forEach((each, place) => {
    const given = each.getAttribute("aria-labelledby") || each.getAttribute("aria-label");
    if (!given) say("landmark without name", each);
    else if (called.indexOf(called[place]) !== place) say("landmarks with one name", each, called[place]);
  });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const inPlace = "main, nav, header, footer, aside, .skip, script, style, noscript, dialog";
  for (let text; (text = walker.nextNode()); ) {
    const around = text.parentElement;
    if (clean(text.textContent) && isShown(around) && !around.closest(inPlace)) say("text outside every landmark", around);
  }
  const skip = document.querySelector("a.skip");
  if (!skip || !document.querySelector(skip.getAttribute("href"))) say("no way past the menu", document.body);
  for (const each of all("ul, ol")) {
    if ([...each.children].some((child) => !/^(LI|SCRIPT|TEMPLATE)$/.test(child.tagName))) say("list of what is no item", each);
  }
  for (const each of all("li")) if (!each.parentElement.matches("ul, ol, menu")) say("item of no list", each);
  for (const each of all("dl")) {
    if ([...each.children].some((child) => !/^(DT|DD|DIV)$/.test(child.tagName))) say("strange definition list", each);
    if (!each.querySelector("dt") || !each.querySelector("dd")) say("definition list without terms", each);
  }

  // Tables.
  for (const table of all("table").filter(isShown)) {
    if (!table.querySelector("thead th")) say("table without headers", table);
    for (const each of all("th", table)) {
      if (!each.hasAttribute("scope")) say("header without scope", each);
      if (!clean(textOf(each)) && each.closest("thead")) say("empty header", each);
    }
    const wide = [...table.rows].map((row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0));
    if (new Set(wide).size > 1) say("rows of different length", table, wide.join(" "));
    if (!table.caption && !table.closest("[aria-label], [aria-labelledby]")) say("table without name", table);
  }

  // Keyboard.
  for (const each of all("[tabindex]")) if (each.tabIndex > 0) say("positive tabindex", each);
  for (const each of controls) if (each.tabIndex < 0 && !isMain(each)) say("not reached by the keyboard", each);
  for (const each of all("[onclick], [onkeydown]")) if (!each.matches(CONTROLS)) say("only for mice", each);
  for (const each of all("body *").filter(isShown)) {
    const style = getComputedStyle(each);
    const rolls = (kind, most, room) => /auto|scroll/.test(kind) && most > room + 1;
    if (rolls(style.overflowX, each.scrollWidth, each.clientWidth) || rolls(style.overflowY, each.scrollHeight, each.clientHeight)) {
      const isOwn = /^(TEXTAREA|SELECT|INPUT)$/.test(each.tagName);
      if (!isOwn && each.tabIndex < 0 && !all(CONTROLS, each).some((inner) => inner.tabIndex >= 0)) say("scrolled by mice only", each);
    }
  }

  // Colours.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const ground = (each) => {
    if (!each) return rgba(getComputedStyle(document.documentElement).colorScheme === "dark" ? "black" : "white");
    const own = rgba(getComputedStyle(each).backgroundColor);
    return own[3] > 0.996 ? own : over(own, ground(each.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const stands = (each, colour, least, rule) => {
    const behind = ground(each);
    const ratio = contrast(over(rgba(colour), behind), behind);
    if (ratio < least - 0.005) say(rule, each, ratio.toFixed(2));
  };
  for (const each of all("body *").filter(isShown)) {
    if (isOff(each) || each.matches("option, optgroup, script, style") || each.closest(".skip:not(:focus)")) continue;
    const style = getComputedStyle(each);
    const isText = [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && clean(node.textContent));
    const isField = each.matches("input:not([type=checkbox], [type=radio], [type=hidden], [type=file]), textarea, select");
    if (isText || isField) {
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const colour = each.closest("svg") ? style.fill : style.color;
      if (Number(style.opacity) < 1) say("see-through text", each, style.opacity);
      stands(each, colour, isLarge ? 3 : 4.5, "text too faint");
      if (each.placeholder) stands(each, getComputedStyle(each, "::placeholder").color, 4.5, "placeholder too faint");
    }
    if (isField) {
      const edge = rgba(style.borderTopColor);
      if (contrast(over(edge, ground(each.parentElement)), ground(each.parentElement)) < 2.995) say("edge of a field too faint", each);
    }
  }

  // Sizes: 24 by 24, or so far from the next that a thumb does not hit both.
  const targets = controls.filter((each) => each.matches("a[href], button, input, select, textarea, summary"));
  const boxes = targets.map((each) => (/^(checkbox|radio)$/.test(each.type) && each.closest("label") ? each.closest("label") : each).getBoundingClientRect());
  const isInText = (each) => getComputedStyle(each).display === "inline" && clean(each.parentElement.textContent) !== clean(each.textContent);
  targets.forEach((each, place) => {
    const { width, height, left, top } = boxes[place];
    if ((width >= 23.5 && height >= 23.5) || isInText(each) || each.matches(".skip")) return;
    const [x, y] = [left + width / 2, top + height / 2];
    const isNear = boxes.some((box, other) => other !== place && !each.contains(targets[other]) && !targets[other].contains(each)
      && Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom)) < 12);
    if (isNear) say("small and close to another", each, `${width.toFixed()} x ${height.toFixed()}`);
  });
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = all("body *").find((each) => isShown(each) && each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll, .skip"));
    say("sticks out sideways", wide ?? document.body, `${document.documentElement.scrollWidth} of ${innerWidth}`);
  }

  // The focus can be seen: every control in turn, as if the keyboard had brought it there.
  const before = document.activeElement;
  for (const each of isTabbed ? controls.filter((other) => !isMain(other)) : []) {
    each.focus({ preventScroll: true, focusVisible: true });
    if (document.activeElement !== each) {
      say("does not take the focus", each);
      continue;
    }
    const style = getComputedStyle(each);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) say("focus not seen", each, style.outline);
    else {
      const around = ground(each.parentElement);
      if (contrast(over(rgba(style.outlineColor), around), around) < 2.995) say("focus too faint", each, style.outlineColor);
    }
  }
  before?.focus?.({ preventScroll: true });
  if (before === document.body) document.activeElement?.blur?.();
  return found;
}
