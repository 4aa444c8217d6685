// Whether this browser tells when something is new: asked for by a tap, never by itself.

import { Trans } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { pushState, turnOff, turnOn } from "../lib/push.ts";
import { Button, Loaded, Trouble } from "./parts.tsx";

export function Told() {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (on: boolean) => (on ? turnOn() : turnOff()),
    onSettled: () => client.invalidateQueries({ queryKey: ["push"] }),
  });
  return (
    <section className="card">
      <h2><Trans>News in this browser</Trans></h2>
      <p className="quiet"><Trans>This browser can tell you when something is new, also while Consilium is closed. It shows no names and nothing about your health.</Trans></p>
      <Loaded query={useQuery({ queryKey: ["push"], queryFn: pushState })}>
        {(state) => {
          if (state === "unable") return <p><Trans>This browser cannot do that. On an iPhone, add Consilium to the home screen first.</Trans></p>;
          if (state === "not set up") return <p><Trans>This server does not send such news.</Trans></p>;
          if (state === "denied") return <p><Trans>You have forbidden it. Allow notifications for this page in the settings of your browser.</Trans></p>;
          const on = state === "on";
          return (
            <>
              <p role="status">{on ? <Trans>This browser tells you.</Trans> : <Trans>This browser does not tell you.</Trans>}</p>
              <div>
                <Button look="second" isPending={change.isPending} onPress={() => change.mutate(!on)}>
                  {on ? <Trans>Tell me no longer</Trans> : <Trans>Tell me in this browser</Trans>}
                </Button>
              </div>
            </>
          );
        }}
      </Loaded>
      <Trouble error={change.error} />
    </section>
  );
}
