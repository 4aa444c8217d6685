// Lines and pointers over a shared screen, and drawings that were kept.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type PointerEvent, type RefObject, useEffect, useState } from "react";
import { annotations } from "../lib/queries.ts";
import { clock } from "../lib/time.ts";
import { Button, Choices, Trouble } from "../ui/parts.tsx";
import { type Board, LONGEST, type Point, type Stroke, type Tool } from "./board.ts";
import { useStore } from "./store.ts";

/** What one draws with; nobody who only points has one. */
export interface Pen {
  tool: Tool;
  color: string;
}

interface Size {
  width: number;
  height: number;
}

const WIDTH = 5; // of a line, in thousandths of the picture's width
const STEP = 0.004; // between two points of a line
const COLOURS = ["#d92d20", "#1d4fd8", "#f5c400"] as const;
const POINTING = "point";

interface DrawingProps {
  board: Board;
  /** Whose screen it is. */
  of: string;
  video: RefObject<HTMLVideoElement | null>;
  pen: Pen | null;
  nameOf: (user: string) => string;
}

/** Lies over the picture and fits it as the picture fits its frame. */
export function Drawing({ board, of, video, pen, nameOf }: DrawingProps) {
  const { t } = useLingui();
  const { strokes, pointers } = useStore(board);
  const size = useSize(video);
  const [draft, setDraft] = useState<Stroke | null>(null);
  const at = (event: PointerEvent<SVGSVGElement>): Point => {
    const matrix = event.currentTarget.getScreenCTM()?.inverse();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [x / size.width, y / size.height];
  };
  const down = (event: PointerEvent<SVGSVGElement>) => {
    if (!pen) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDraft({ ...pen, width: pen.tool === "marker" ? WIDTH * 4 : WIDTH, points: [[...at(event)]] });
  };
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const [x, y] = at(event);
    board.point(of, [x, y]);
    const [before] = draft?.points.slice(-1) ?? [];
    if (!draft || !before || Math.hypot(x - (before[0] ?? 0), y - (before[1] ?? 0)) < STEP) return;
    if (draft.points.length < LONGEST) return setDraft({ ...draft, points: [...draft.points, [x, y]] });
    board.draw(of, draft);
    setDraft({ ...draft, points: [before, [x, y]] });
  };
  const up = () => {
    if (draft) board.draw(of, draft);
    setDraft(null);
  };
  const here = Object.entries(pointers).filter(([, one]) => one.of === of);
  return (
    <svg className={pen ? "drawing drawn" : "drawing"} viewBox={`0 0 ${size.width} ${size.height}`} role="img" aria-label={t`Drawings on the shared screen`}
      onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up}>
      <Shapes strokes={[...(strokes[of] ?? []), ...(draft ? [draft] : [])]} size={size} />
      {here.map(([user, { at: [x, y] }]) => (
        <g key={user} className="pointer" data-user={user} transform={`translate(${x * size.width} ${y * size.height})`}>
          <circle r={size.width / 90} />
          <text x={size.width / 60} fontSize={size.width / 45}>{nameOf(user)}</text>
        </g>
      ))}
    </svg>
  );
}

function useSize(video: RefObject<HTMLVideoElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 1600, height: 900 });
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const look = () => element.videoWidth > 0 && setSize({ width: element.videoWidth, height: element.videoHeight });
    look();
    for (const change of ["loadedmetadata", "resize"]) element.addEventListener(change, look);
    return () => {
      for (const change of ["loadedmetadata", "resize"]) element.removeEventListener(change, look);
    };
  }, [video]);
  return size;
}

function Shapes({ strokes, size }: { strokes: readonly Stroke[]; size: Size }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: strokes come at the end and go all at once
  return strokes.map((stroke, place) => <Shape key={place} stroke={stroke} size={size} />);
}

function Shape({ stroke: { tool, color, width, points, text }, size }: { stroke: Stroke; size: Size }) {
  const placed = points.map(([x = 0, y = 0]) => [x * size.width, y * size.height] as const);
  const [first = [0, 0], last = first] = [placed[0], placed.at(-1)];
  const line = { stroke: color, strokeWidth: (width * size.width) / 1000, fill: "none", strokeLinecap: "round", strokeLinejoin: "round" } as const;
  const box = { x: Math.min(first[0], last[0]), y: Math.min(first[1], last[1]), width: Math.abs(last[0] - first[0]), height: Math.abs(last[1] - first[1]) };
  switch (tool) {
    case "rectangle":
      return <rect {...line} {...box} />;
    case "ellipse":
      return <ellipse {...line} cx={box.x + box.width / 2} cy={box.y + box.height / 2} rx={box.width / 2} ry={box.height / 2} />;
    case "arrow":
      return <path {...line} d={arrow(first, last, size.width / 40)} />;
    case "text":
      return <text x={first[0]} y={first[1]} fill={color} fontSize={(width * size.width) / 250}>{text}</text>;
    default:
      return <polyline {...line} opacity={tool === "marker" ? 0.45 : 1} points={placed.map((point) => point.join()).join(" ")} />;
  }
}

function arrow([fromX, fromY]: Point, [toX, toY]: Point, head: number): string {
  const angle = Math.atan2(toY - fromY, toX - fromX);
  const side = (turn: number) => `${toX - head * Math.cos(angle + turn)},${toY - head * Math.sin(angle + turn)}`;
  return `M${fromX},${fromY} L${toX},${toY} M${side(0.5)} L${toX},${toY} L${side(-0.5)}`;
}

interface ToolsProps {
  board: Board;
  of: string;
  pen: Pen | null;
  onChange: (pen: Pen | null) => void;
}

export function DrawingTools({ board, of, pen, onChange }: ToolsProps) {
  const { t } = useLingui();
  const client = useQueryClient();
  const { strokes } = useStore(board);
  const [color, setColor] = useState<string>(COLOURS[0]);
  const save = useMutation({ mutationFn: () => board.save(of), onSuccess: () => client.invalidateQueries({ queryKey: ["annotations"] }) });
  const none = (strokes[of] ?? []).length === 0;
  const tools: readonly { value: Tool | typeof POINTING; words: string }[] = [
    { value: POINTING, words: t`Point` }, { value: "pen", words: t`Pen` }, { value: "marker", words: t`Marker` },
    { value: "arrow", words: t`Arrow` }, { value: "rectangle", words: t`Frame` },
  ];
  const names = [t`Red`, t`Blue`, t`Yellow`];
  return (
    <section className="card tools" aria-label={t`Draw on the screen`}>
      <Choices legend={t`Draw on the screen`} name="tool" value={pen?.tool ?? POINTING} options={tools}
        onChange={(tool) => onChange(tool === POINTING ? null : { tool, color })} />
      {pen && (
        <Choices legend={t`Colour`} name="colour" value={color} options={COLOURS.map((value, place) => ({ value, words: names[place] }))}
          onChange={(chosen) => {
            setColor(chosen);
            onChange({ ...pen, color: chosen });
          }} />
      )}
      <div className="row">
        <Button look="second" isDisabled={none} onPress={() => board.clear(of)}><Trans>Wipe it off</Trans></Button>
        <Button look="second" isDisabled={none} isPending={save.isPending} onPress={() => save.mutate()}><Trans>Keep the drawing</Trans></Button>
        <span role="status" className="quiet">{save.isSuccess ? t`Kept below Files.` : ""}</span>
      </div>
      <Trouble error={save.error} />
    </section>
  );
}

/** Drawings of this consultation that were kept. */
export function Drawings({ consultationId, nameOf }: { consultationId: string; nameOf: (user: string) => string }) {
  const { t } = useLingui();
  const { data } = useQuery(annotations(consultationId));
  if (!data || data.items.length === 0) return null;
  const size = { width: 1600, height: 900 };
  return (
    <section className="stack">
      <h3><Trans>Drawings</Trans></h3>
      {data.items.map(({ id, author_id, saved_at, strokes }) => (
        <figure key={id}>
          <svg className="kept" viewBox="0 0 1600 900" role="img" aria-label={t`Drawing`}>
            <Shapes strokes={strokes} size={size} />
          </svg>
          <figcaption className="quiet">{nameOf(author_id)} · {clock(saved_at)}</figcaption>
        </figure>
      ))}
    </section>
  );
}
