declare module "virtual:emoji/*" {
  const rows: readonly (readonly [emoji: string, group: number, words: string])[];
  export default rows;
}

/** Whether this is the chat on somebody else's page, which does less than the app. */
declare const __WIDGET__: boolean;

declare module "*.css?inline" {
  const css: string;
  export default css;
}
