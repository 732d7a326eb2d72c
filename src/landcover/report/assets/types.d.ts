// What the scripts of the pages hand each other. For editors and `tsc --checkJs`; no page loads this file.

interface Window {
  /** The one global of these scripts: each adds its part. */
  landcover: any;
  /** OpenLayers. */
  ol: any;
}

declare namespace Landcover {
  /** What a legend says of one colour, "#rrggbb": as in the masks, and of the colour-blind-safe palette. */
  interface Entry {
    name: string;
    colour: string;
    safe: string;
  }

  /** How the two predictions are called. */
  interface Names {
    prediction: string;
    other: string;
  }

  /** Which arrays a scene has. */
  interface Has {
    image: boolean;
    truth: boolean;
    prediction: boolean;
    other: boolean;
    confidence: boolean;
  }

  /** A part of an image: labels by row, 255 where unknown; confidence 255 is probability 1, 0 is no data. */
  interface Tile {
    width: number;
    height: number;
    image: CanvasImageSource | null;
    truth: Uint8Array | null;
    prediction: Uint8Array | null;
    other: Uint8Array | null;
    confidence: Uint8Array | null;
  }

  /** An image, or a map of any size, as tiles. */
  interface Scene {
    name: string;
    /** Pixels of the finest resolution. */
    width: number;
    height: number;
    /** Width and height; tiles at the right and at the lower edge may be smaller. */
    tileSize: [number, number];
    /** Pixels of the finest resolution per pixel, from the coarsest to 1. */
    resolutions: number[];
    has: Has;
    /** A tile by the index of its resolution, its column and its row among the tiles. */
    read(z: number, x: number, y: number, signal: AbortSignal): Promise<Tile>;
    /** A place in pixels of the source, in words. */
    coordinates(column: number, row: number): string;
    /** Pixels of the source per pixel of the scene; 1 by default. */
    reduction?: number;
  }

  /** An image of the report, as far as the viewer reads it. */
  interface Item {
    id: string;
    name: string;
    width: number;
    height: number;
    reduction: number;
    source_width: number;
    source_height: number;
    degrees: ControlPoints | null;
    has: Has;
  }

  type Palette = "classes" | "safe";

  /** How layers are drawn: `hidden` holds the names of the entries that are transparent. */
  interface Style {
    classes: Entry[];
    ignore: Entry;
    palette: Palette;
    hidden: Set<string>;
  }

  /** Pixels of an `ImageData`, by label or by code; 0 is transparent. */
  interface Inks {
    labels: Uint32Array;
    /** By label: whether its class is shown. */
    shown: Uint8Array;
    verdict: Uint32Array;
    difference: Uint32Array;
    confidence: Uint32Array;
  }

  /** Degrees at the corners of N x N equal cells of an image, (N + 1) x (N + 1) by row; null where they are not known. */
  interface ControlPoints {
    cells: number;
    /** After the point, that degrees are worth. */
    digits: number;
    lon: (number | null)[];
    lat: (number | null)[];
  }

  /** What the server of `landcover view` says of its files. */
  interface Description {
    name: string;
    width: number;
    height: number;
    /** Side of a tile. */
    tile: number;
    resolutions: number[];
    classes: Entry[];
    ignore: Entry;
    labels: Names;
    has: Has;
    /** Names of the files by layer. */
    files: { [layer: string]: string };
    /** What is shown of the image, if not true colours. */
    bands: string;
    /** Name of the reference system. */
    crs: string | null;
    /** Side of a pixel, in words. */
    resolution: string | null;
    /** a to f of x = a column + b row + c, y = d column + e row + f. */
    transform: number[] | null;
    /** After the point, that x and y are worth. */
    digits: number;
    degrees: ControlPoints | null;
  }
}
