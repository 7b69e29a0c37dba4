/** The part of dockerode that is used. Every answer of an engine is `unknown` until its shape has been checked. */
declare module 'dockerode' {
  interface Image {
    inspect(): Promise<unknown>;
    history(): Promise<unknown>;
    get(): Promise<unknown>;
  }

  interface Container {
    inspect(): Promise<unknown>;
    export(): Promise<unknown>;
  }

  export default class Docker {
    constructor(options: { readonly modem: object });
    /** @param name inserted into a path unchanged */
    getImage(name: string): Image;
    /** @param name inserted into a path unchanged */
    getContainer(name: string): Container;
    info(): Promise<unknown>;
    listImages(options: { readonly all: boolean }): Promise<unknown>;
    /**
     * @param name without a tag or a digest, it means `:latest`
     * @param auth passed to the modem as `authconfig`; in `options` it would end up in the query
     */
    pull(name: string, options: { readonly platform?: string }, callback: undefined, auth?: string): Promise<unknown>;
  }
}
