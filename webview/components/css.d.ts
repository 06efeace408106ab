/** Bundled as text, for adopted style sheets. */
declare module '*.css' {
  const text: string;
  export default text;
}
