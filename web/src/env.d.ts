declare module "virtual:emoji/*" {
  const rows: readonly (readonly [emoji: string, group: number, words: string])[];
  export default rows;
}
