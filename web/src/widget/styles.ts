/** The tokens that a host may set, by the names that it uses. */
const PUBLIC: Record<string, string> = {
  "--hy-accent-solid": "--hongyan-accent",
  "--hy-accent-solid-hover": "--hongyan-accent-hover",
  "--hy-on-accent": "--hongyan-on-accent",
  "--hy-accent": "--hongyan-accent-text",
  "--hy-focus": "--hongyan-accent-text",
  "--hy-own": "--hongyan-own",
  "--hy-own-text": "--hongyan-own-text",
  "--hy-own-text-2": "--hongyan-own-text",
  "--hy-font": "--hongyan-font",
};

/**
 * Fit the app's styles into a shadow tree.
 *
 * The root is ours, not the page's; sizes are in pixels, as the page's root may have any size
 * of type; and what a host sets goes before what we think.
 */
export function fitted(css: string): string {
  return css
    .replace(/:root/g, ".hongyan")
    .replace(/(\d*\.?\d+)rem\b/g, (_, size: string) => `${Number(size) * 16}px`)
    .replace(/(--hy-[\w-]+):\s*([^;}]+)/g, (whole, name: string, value: string) =>
      PUBLIC[name] ? `${name}:var(${PUBLIC[name]},${value})` : whole,
    );
}

/** A sheet that needs no `style-src` of the page's policy. */
export function sheetOf(...parts: string[]): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(parts.map(fitted).join("\n"));
  return sheet;
}
