import { vi } from "vitest";

// What jsdom lacks and the page asks for when it loads.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
}));
