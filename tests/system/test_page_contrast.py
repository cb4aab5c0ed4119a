"""Whether what the page says can be read: contrast as WCAG 2.2 asks for it, measured on what the browser shows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.server_harness import Scene
from tests.system.browser import Visitor
from tests.system.page_site import LOBBY, Site, wait_for_picture

pytestmark = [pytest.mark.system, pytest.mark.browser]

ENOUGH = 4.5  # : 1, success criterion 1.4.3; asked of large text, too

# The texts in sight whose contrast against what lies behind them is too small. Opacity is taken as part of the colour;
# what stands over pictures has no ground that could be reckoned with, and is left out.
_PALE = """enough => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((value, i) => value * a + ground[i] * (1 - a));
  const lines = element => element ? [element, ...lines(element.parentElement)] : [];
  const groundOf = element => lines(element).reverse()
    .reduce((ground, each) => over(rgba(getComputedStyle(each).backgroundColor), ground), [255, 255, 255]);
  const luminance = colour => colour.map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const pale = [];
  let looked = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('.screen, .sr-only, :disabled, script, style, title, desc')) continue;
    const style = getComputedStyle(element);
    const [r, g, b, a] = rgba(element instanceof SVGElement ? style.fill : style.color);
    const seen = lines(element).reduce((share, each) => share * Number(getComputedStyle(each).opacity), a);
    const ground = groundOf(element);
    const [light, dark] = [luminance(over([r, g, b, seen], ground)), luminance(ground)].sort((x, y) => y - x);
    const contrast = (light + 0.05) / (dark + 0.05);
    looked += 1;
    if (contrast < enough) pale.push(`${texts.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return { looked, pale };
}"""


# In many states, one of them with a static face
SCENES = {
    **LOBBY,
    "gate": Scene("Gate", size=(640, 360), fps=10, faces=3, posters=1),
    "roof": Scene("Roof", down=24.0),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser: Browser, scheme: str) -> None:
    with Site(SCENES) as site:
        visitor = Visitor(browser, scheme=scheme)
        page = visitor.page
        page.goto(site.url)
        wait_for_picture(visitor, ".tile .screen")
        found = [page.evaluate(_PALE, ENOUGH)]
        page.goto(site.url + "#/camera/gate")
        wait_for_picture(visitor, "#camera-screen")
        expect(page.locator(".person")).to_have_count(3)
        page.get_by_role("button", name="Lines and zones").click()
        found.append(page.evaluate(_PALE, ENOUGH))
        page.goto(site.url + "#/footfall")
        expect(page.locator("#footfall-blank")).to_be_visible()
        found.append(page.evaluate(_PALE, ENOUGH))
        visitor.close()
    assert [look["pale"] for look in found] == [[], [], []]
    assert min(look["looked"] for look in found) > 15
