/** What is used of dockerode. Whatever an engine answers is unknown until its shape has been checked. */
declare module 'dockerode' {
  interface Image {
    inspect(): Promise<unknown>;
    history(): Promise<unknown>;
    get(): Promise<unknown>;
  }

  export default class Docker {
    constructor(options: { readonly modem: object });
    /** @param name stands in a path as it is */
    getImage(name: string): Image;
    listImages(options: { readonly all: boolean }): Promise<unknown>;
    /**
     * @param name without tag and digest `:latest` is meant
     * @param auth is passed on to the modem as `authconfig`; in `options` it would get into the query
     */
    pull(name: string, options: { readonly platform?: string }, callback: undefined, auth?: string): Promise<unknown>;
  }
}
