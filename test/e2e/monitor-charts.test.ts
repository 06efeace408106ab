import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  eventually,
  inlineAction,
  keepTidy,
  openSidebar,
  setStage,
  taskItem,
  webview,
  type Stage,
} from './stage.js';

/** The charts of the monitor as a person sees them: how wide they are, what is written on them, what they cover. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  stage.writeTask('shop', { throttle: { full: { rowsPerSecond: 200 } } });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

interface Label {
  text: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** What of a canvas's context is watched. */
interface Pen {
  readonly canvas: { labels?: Label[] };
  clearRect(...box: number[]): void;
  fillText(text: string, x: number, y: number): void;
  getTransform(): { e: number; f: number };
  measureText(text: string): Record<`actualBoundingBox${'Left' | 'Right' | 'Ascent' | 'Descent'}`, number>;
}

/** From now on each canvas of the page knows the texts that its last drawing wrote, and where, in its own pixels. */
async function noteLabels(charts: Locator): Promise<void> {
  await charts.evaluate((element) => {
    const any = element.ownerDocument.createElement('canvas').getContext('2d');
    const prototype = Object.getPrototypeOf(any) as Pen;
    const { fillText, clearRect } = prototype;
    prototype.clearRect = function (this: Pen, ...box) {
      this.canvas.labels = [];
      clearRect.apply(this, box);
    };
    prototype.fillText = function (this: Pen, text, x, y) {
      const size = this.measureText(text);
      const { e, f } = this.getTransform();
      this.canvas.labels?.push({
        text,
        left: x + e - size.actualBoundingBoxLeft,
        right: x + e + size.actualBoundingBoxRight,
        top: y + f - size.actualBoundingBoxAscent,
        bottom: y + f + size.actualBoundingBoxDescent,
      });
      fillText.call(this, text, x, y);
    };
  });
}

/** How the charts lie in their frame, and the labels that each shows. */
const layout = (charts: Locator) =>
  charts.evaluate((element) => {
    const frame = element.shadowRoot!.querySelector('.charts')!.getBoundingClientRect();
    return [...element.shadowRoot!.querySelectorAll('rf-chart')].map((chart) => {
      const box = chart.getBoundingClientRect();
      const canvas = chart.shadowRoot!.querySelector('canvas')!;
      return {
        top: Math.round(box.top),
        ends: Math.round(frame.right - box.right),
        spare: Math.round(box.width - canvas.getBoundingClientRect().width),
        width: canvas.width,
        labels: (canvas as unknown as { labels?: Label[] }).labels ?? [],
      };
    });
  });

test('charts fill the page at every width, and none of their labels touches another', async () => {
  const { page } = workbench;
  const task = taskItem(page, 'shop');
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/full load/), 60_000);
  await inlineAction(task, 'Open Monitor');
  const monitor = webview(page);
  const charts = monitor.locator('rf-charts');
  await monitor.locator('rf-chart canvas').first().waitFor();
  await noteLabels(charts);
  for (const width of [1400, 1240, 1100, 900, 700]) {
    await page.setViewportSize({ width, height: 900 });
    // Each is drawn again within a second, when there is a newer point.
    await page.waitForTimeout(2500);
    const drawn = await layout(charts);
    expect(drawn).toHaveLength(3);
    for (const top of new Set(drawn.map((chart) => chart.top))) {
      const line = drawn.filter((chart) => chart.top === top);
      expect(Math.min(...line.map(({ ends }) => ends)), `the line at ${width} px`).toBeLessThanOrEqual(1);
    }
    for (const chart of drawn) {
      expect(Math.abs(chart.spare), `a chart at ${width} px`).toBeLessThanOrEqual(1);
      expect(chart.labels.filter(({ text }) => text.includes(':')).length).toBeGreaterThan(0);
      for (const [i, one] of chart.labels.entries()) {
        expect(one.left, `${one.text} at ${width} px`).toBeGreaterThanOrEqual(0);
        expect(one.right, `${one.text} at ${width} px`).toBeLessThanOrEqual(chart.width);
        for (const other of chart.labels.slice(i + 1)) {
          const apart =
            one.right + 4 <= other.left ||
            other.right + 4 <= one.left ||
            one.bottom <= other.top ||
            other.bottom <= one.top;
          expect(apart, `${one.text} and ${other.text} at ${width} px`).toBe(true);
        }
      }
    }
  }
  await page.setViewportSize({ width: 1400, height: 900 });
});

test('24 hours say since when there are records, and that there are none', async () => {
  const { page } = workbench;
  const monitor = webview(page);
  const span = async (value: 'live' | 'day') => {
    await monitor.locator('rf-charts vscode-dropdown').click();
    await monitor.locator(`rf-charts vscode-option[value=${value}]`).click();
  };
  await span('day');
  await monitor.getByText(/^Recorded since .+\.$/).waitFor();
  await eventually(async () => expect(await monitor.locator('rf-chart canvas').count()).toBe(3));

  await monitor.getByRole('button', { name: 'Stop' }).click();
  await monitor.getByRole('button', { name: 'Start' }).waitFor({ timeout: 60_000 });
  // As it is on the day after: the engine keeps what a stopped task recorded for longer than a day.
  const state = 'data/User/globalStorage/rowferry.rowferry/state/store.db';
  const store = new DatabaseSync(path.join(path.dirname(workbench.log), state));
  store.exec('PRAGMA busy_timeout = 5000');
  store.prepare('UPDATE history SET at_ms = at_ms - ?').run(25 * 3_600_000);
  store.close();
  await span('live');
  await span('day');
  await monitor.getByText('Nothing was recorded in the last 24 hours.').waitFor();
  expect(await monitor.locator('rf-chart').count()).toBe(0);
  expect(workbench.violations).toEqual([]);
});
