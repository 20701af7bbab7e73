// Opens the page of an audit report in Chromium, as a person would from a file: in light, in
// dark and for a printer. Prints one line of JSON: what the page said on its console, what it
// wanted from elsewhere, and what axe-core finds wrong with it.
//
// usage: node look.js PAGE [PICTURE.png]; CHROMIUM names the browser

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page_file, picture] = process.argv.slice(2);
const address = pathToFileURL(page_file).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Root has no sandbox of its own to put it in.
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
const seen = { messages: [], requests: [], violations: {}, checked: {}, hidden: [], wide: [] };
const context = await browser.newContext({ viewport: { width: 1080, height: 1240 } });
const page = await context.newPage();
page.on("console", (message) => seen.messages.push(message.text()));
page.on("pageerror", (error) => seen.messages.push(String(error)));
page.on("request", (request) => {
    if (request.url() !== address) seen.requests.push(request.url());
});
await page.goto(address);

for (const [name, media] of Object.entries({
    light: { colorScheme: "light", media: "screen" },
    dark: { colorScheme: "dark", media: "screen" },
    // Dark, since paper is white whatever the screen is.
    print: { colorScheme: "dark", media: "print" },
})) {
    await page.emulateMedia(media);
    // What the page forbids itself does not hold for what is evaluated from here.
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    seen.violations[name] = found.violations.map(
        (it) => `${it.id}: ${it.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`,
    );
    seen.checked[name] = found.passes.length;
}
// What is folded away on a screen is on paper.
seen.hidden = await page.evaluate(() =>
    [...document.querySelectorAll("details > :not(summary)")]
        .filter((it) => it.getBoundingClientRect().height === 0)
        .map((it) => it.outerHTML.slice(0, 80)),
);
// Nothing is wider than the paper, or than the screen, such as that of a phone.
for (const [media, widths] of [["print", [680]], ["screen", [360, 768, 1080]]]) {
    await page.emulateMedia({ colorScheme: "light", media });
    for (const width of widths) {
        await page.setViewportSize({ width, height: 1240 });
        const is_wide = await page.evaluate(
            () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
        );
        if (is_wide) seen.wide.push(`${media} ${width}`);
    }
}
if (picture) {
    // From the top to the end of the keys that still join: what people look at first.
    const height = await page.evaluate(
        () => document.querySelectorAll("h2")[4].getBoundingClientRect().top + scrollY - 16,
    );
    const clip = { x: 0, y: 0, width: 1080, height };
    await page.screenshot({ path: picture, fullPage: true, clip });
}
await browser.close();
console.log(JSON.stringify(seen));
