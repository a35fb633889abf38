// Opens pages in the browser as their readers have it, and prints what it saw of each, as
// JSON. Arguments: the browser, the readers by name, then the pages.
"use strict";
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const { pathToFileURL } = require("node:url");
const fs = require("node:fs");

const readers = [
  { name: "light", width: 1280, colorScheme: "light" },
  { name: "dark", width: 1280, colorScheme: "dark" },
  { name: "narrow", width: 320, colorScheme: "light" },
];

// ink is how many pixels of each chart have a colour: its axes, grid and texts are grey.
const ink = () =>
  [...document.querySelectorAll(".plot")].map((plot) => {
    const canvas = plot.querySelector("canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, alpha] = data.subarray(i, i + 4);
      if (alpha > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured++;
    }
    return coloured;
  });

// judge asks axe what is wrong, without a script element: the page's policy stays in force.
async function judge(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}

// use does with the page what a reader may, by the keyboard alone.
async function use(page) {
  const did = {};
  if (!(await page.locator(".plot").count())) return did;
  await page.locator(".plot").first().focus();
  await page.keyboard.press("End");
  did.read = await page.locator("figure output").first().textContent();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("figure details[open] tbody tr").first().waitFor();
  did.points = await page.locator("figure details[open] tbody tr").count();
  did.drawn = await page.evaluate(() => document.querySelector(".plot canvas").toDataURL());
  await page.locator(".legend button").nth(1).press("Enter");
  did.pressed = await page.locator(".legend button").nth(1).getAttribute("aria-pressed");
  did.redrawn = (await page.evaluate(() => document.querySelector(".plot canvas").toDataURL())) !== did.drawn;
  delete did.drawn;
  const log = page.locator("input.log").first();
  await log.press("Space");
  did.linear = !(await log.isChecked());
  if (await page.locator("[data-copy]").count()) {
    await page.locator("[data-copy]").first().press("Enter");
    await page.waitForFunction(() => document.getElementById("said").textContent);
    did.said = await page.locator("#said").textContent();
  }
  if (await page.locator("[data-download]").count()) {
    const [saved] = await Promise.all([page.waitForEvent("download"), page.locator("[data-download]").first().press("Enter")]);
    did.file = saved.suggestedFilename();
    did.saved = fs.readFileSync(await saved.path(), "utf8").trim() === (await page.locator("#result").textContent());
  }
  await page.locator("#colours").selectOption("light");
  did.light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.locator("#colours").selectOption("dark");
  did.dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  did.pdf = (await page.pdf({ format: "A4" })).length;
  return did;
}

async function look(browser, file, { name, width, colorScheme }) {
  const seen = { page: file, reader: name, errors: [], requests: [] };
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const own = pathToFileURL(file).href;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error.stack)));
  page.on("request", (request) => request.url() !== own && !/^(data|blob):/.test(request.url()) && seen.requests.push(request.url()));
  await page.goto(own);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  seen.ink = await page.evaluate(ink);
  seen.width = await page.evaluate(() => document.documentElement.scrollWidth);
  seen.axe = await judge(page);
  seen.did = await use(page);
  seen.axe.push(...(await judge(page))); // and with what was opened
  await context.close();
  return seen;
}

(async () => {
  const [, , executablePath, names, ...files] = process.argv;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] }); // pages of our own, and CI is root
  const all = [];
  for (const file of files) for (const reader of readers.filter((r) => names.split(",").includes(r.name))) all.push(await look(browser, file, reader));
  await browser.close();
  console.log(JSON.stringify(all));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
