"""The authored moves, written in the notation of :mod:`dabfusion.studio.moves`."""

from __future__ import annotations

from dabfusion.studio.moves import Move, move

_HIP_HOP = "middle-hip-hop la-hip-hop"
_STREET = "break pop lock middle-hip-hop la-hip-hop house krump"
_JAZZ = "street-jazz ballet-jazz waack"

MOVES: tuple[Move, ...] = (
    move("bounce", "all", 0.2, {
        "hips": "1:-.08,-.08,0,-8,4,5 2:.08,-.03,0,8,0,-5 3:-.08,-.08,0,-8,4,5 4:.08,-.03,0,8,0,-5",
        "chest": "1:8,12,5 2:0,-12,-5 3:8,12,5 4:0,-12,-5", "head": "1:nod 2:mid 3:nod 4:tilt_left",
        "la": "1:.3,-.6,.35 2:.25,-.75,.05 3:.3,-.6,.35 4:.25,-.75,.05", "ra": "1:.25,-.75,.05 2:.3,-.6,.35 3:.25,-.75,.05 4:.3,-.6,.35",
        "lf": "1:.2", "rf": "1:.2",
    }),
    move("step touch", "all", 0.35, {
        "lf": "1:.45 3:= 4:tap", "rf": "1:home 2:-.16,.03,0,10,25 3:home 4:=",
        "hips": "1:dip 2:.05,-.02,0,10 3:dip 4:-.05,-.02,0,-10", "chest": "1:4,-14,5 2:2,10 3:4,14,-5 4:2,-10",
        "arms": "1:.55,-.35,.3 2:clap 3:.55,-.35,.3 4:clap", "head": "1:tilt_right 2:nod 3:tilt_left 4:nod",
    }),
    move("grapevine", "house street-jazz middle-hip-hop waack", 0.5, {
        "lf": "1:.4 2:= 3:.72 4:= 5:= 6:.3,-.2 7:home 8:tap", "rf": "1:home 2:-.38,-.22,0,15 3:= 4:-.4,.06,0,10,25 5:-.1 6:= 7:.14 8:=",
        "hips": "1:dip 2:.06,-.06,0,-18 3:dip 4:0,-.02,0,14 5:dip 6:-.06,-.06,0,18 7:dip 8:0,-.02,0,-14",
        "arms": "1:side 2:cross_low 3:side 4:clap 5:side 6:cross_low 7:side 8:clap_up", "chest": "2:left 3:mid 4:right 6:right 7:mid 8:left",
        "head": "1:left 2:mid 3:left 4:mid 5:right 6:mid 7:right 8:up",
    }, both_sides=False),
    move("arm wave", "pop la-hip-hop", 0.35, {
        "la": "1:side! 1.5:.85,.35,.15,.6,0,40 2:.8,.1,.3,1.4,0,-35 3:.5,.2,.5,1.2 4:.2,-.6,.4", "ra": "1:.25,-.8,.1 2:.5,-.2,.3,1.2 2.5:.7,.3,.2,1,0,35 3:.94,.1,.15,.4,0,-30! 4:.85,-.3,.2,.5,0,30",
        "chest": "1:2,0,-14 2:out 3:2,0,14 4:in", "hips": "1:right 2:mid 3:left 4:dip", "head": "1:left 2:mid 3:right 4:down",
        "lf": "1:.24", "rf": "1:.24 4:.24,.1,0,10,15",
    }),
    move("point and hit", "lock waack street-jazz", 0.6, {
        "ra": "1:diag! 2:chest! 3:.6,-.7,.3! 4:hip!", "la": "1:hip! 3:= 4:guard!", "lf": "1:wide 2:= 3:.2 4:=", "rf": "1:.24 2:.2 3:wide 4:home",
        "hips": "1:right! 2:left! 3:right! 4:dip!", "chest": "1:0,-24,10! 2:6,12! 3:12,-18,8! 4:in!", "head": "1:right! 2:mid! 3:-8,-35! 4:nod!",
    }, sharp=True),
    move("twist", "all", 0.5, {
        "hips": "1:0,-.1,0,32,6 2:0,-.1,0,-32,6 3:0,-.2,0,32,12 4:0,-.1,0,-32,6", "chest": "1:8,-30 2:8,30 3:16,-30 4:8,30",
        "la": "1:.45,-.3,.45 2:.3,-.35,-.1 3:.45,-.3,.45 4:.3,-.35,-.1", "ra": "1:.3,-.35,-.1 2:.45,-.3,.45 3:.3,-.35,-.1 4:.45,-.3,.45",
        "lf": "1:.16,0,0,34,8 2:.16,0,0,-14,8 3:.16,0,0,34,8 4:.16,0,0,-14,8", "rf": "1:.16,0,0,-14,8 2:.16,0,0,34,8 3:.16,0,0,-14,8 4:.16,0,0,34,8",
        "head": "1:4,-10 2:4,10 3:10,-10 4:4,10",
    }),
    move("kick ball change", _STREET + " street-jazz", 0.75, {
        "lf": "1:kick 2:back 3:home 4:=", "rf": "1:home 2:= 2.5:.14,0,.08,10,20 3:front 4:home", "hips": "1:0,.0,-.05,0,-6 2:dip 3:0,-.1,.04 4:mid",
        "la": "1:back 2:front_low 3:.4,-.4,-.1 4:guard", "ra": "1:front 2:back 3:.4,-.2,.5 4:guard", "chest": "1:14,-12 2:-4,14 3:10,-8 4:mid", "head": "1:nod 2:up 3:mid 4:nod",
    }),
    move("pivot turn", "street-jazz ballet-jazz waack house", 0.7, {
        "turn": "1:0 2:-90~ 3:-180~ 4:-360 8:=", "lf": "1:.2,.3,0,0 2:.16,.08,.05 3:.16,0,.03 4:wide 5:= 6:.2 7:home 8:=", "rf": "1:home 2:.1,0,0,10,25 3:.12,0,.05 4:home 5:.14,.1 6:= 7:.3 8:home",
        "arms": "1:second 2:first 3:first 4:v! 5:= 6:shoulder 7:side 8:down", "hips": "1:dip 2:high 3:high 4:dip 5:right 6:left 7:dip 8:mid",
        "chest": "1:right 2:mid 3:mid 4:arch 5:left 6:right 7:in 8:mid", "head": "1:mid 4:up 6:right 7:mid",
    }, both_sides=False),
    move("cabbage patch", _HIP_HOP + " pop", 0.5, {
        "arms": "1:.1,-.1,.75,.6 1.5:.45,-.1,.55,.8 2:.35,-.3,.2,.8 2.5:-.1,-.35,.35,.7 3:.1,-.1,.75,.6 3.5:.45,-.1,.55,.8 4:.35,-.3,.2,.8",
        "hips": "1:.04,-.08,.08 2:.08,-.04,-.08,0,8 3:-.04,-.08,.08 4:-.08,-.04,-.08,0,8", "chest": "1:14,10 2:-6,14 3:14,-10 4:-6,-14",
        "head": "1:nod 2:up 3:nod 4:up", "lf": "1:.3 2:.3,0,0,10,12 3:.3", "rf": "1:.3 4:.3,0,0,10,12",
    }),
    move("running man", _HIP_HOP + " house break", 0.9, {
        "lf": "1:.13,.3 1.5:.13,-.1,.0 2:.13,-.3,0,8,20 2.5:.13,.1,.3 3:.13,.3 3.5:.13,-.1,0 4:.13,-.3,0,8,20 4.5:.13,.1,.3",
        "rf": "1:.13,-.3,0,8,20 1.5:.13,.1,.3 2:.13,.3 2.5:.13,-.1,.0 3:.13,-.3,0,8,20 3.5:.13,.1,.3 4:.13,.3 4.5:.13,-.1,.0",
        "la": "1:.2,-.35,-.1 2:.15,-.1,.5 3:.2,-.35,-.1 4:.15,-.1,.5", "ra": "1:.15,-.1,.5 2:.2,-.35,-.1 3:.15,-.1,.5 4:.2,-.35,-.1",
        "hips": "1:0,-.12 1.5:0,-.02 2:0,-.12 2.5:0,-.02 3:0,-.12 3.5:0,-.02 4:0,-.12 4.5:0,-.02", "chest": "1:16,10 2:14,-10 3:16,10 4:14,-10", "head": "1:6 2:mid 3:6 4:mid",
    }),
    move("body roll", "la-hip-hop street-jazz waack house", 0.45, {
        "chest": "1:-14 2:26 3:-14 4:26", "hips": "1:0,-.04,-.1,0,16 1.5:0,-.08,.02,0,2 2:0,-.12,.12,0,-12 3:0,-.04,-.1,0,16 3.5:0,-.08,.02 4:0,-.12,.12,0,-12",
        "head": "1:up 2:down 3:up 4:nod", "arms": "1:.4,-.4,.35 2:.25,-.75,-.05 3:.45,-.3,.4 4:hip", "lf": "1:.24", "rf": "1:.24",
    }),
    move("clap and step", "all", 0.45, {
        "lf": "1:wide 2:= 3:home 4:=", "rf": "1:home 2:tap 3:.14 4:.36,.04,0,18,20", "arms": "1:.6,-.1,.35 2:clap! 3:.6,.2,.35 4:clap!",
        "hips": "1:left 2:dip 3:right 4:dip", "chest": "1:0,10 2:10 3:0,-10 4:10", "head": "1:tilt_right 2:nod 3:tilt_left 4:nod",
    }),
    move("shoulder shimmy", "waack street-jazz la-hip-hop", 0.4, {
        "la": "1:.5,-.5,.2,.6,0,0,12 1.5:.5,-.55,.2,.6,0,0,-8 2:.52,-.4,.25,.6,0,0,14 3:.6,-.3,.3,.6,0,0,-8 4:.7,-.1,.3,.6,0,0,12",
        "ra": "1:.5,-.5,.2,.6,0,0,-8 1.5:.5,-.45,.2,.6,0,0,12 2:.52,-.5,.25,.6,0,0,-8 3:.6,-.2,.3,.6,0,0,14 4:.7,-.2,.3,.6,0,0,-8",
        "chest": "1:4,22 2:8,-22 3:12,22 4:-8,-22", "hips": "1:.06,-.04,0,-10 2:-.06,-.08,0,10 3:.06,-.14,0,-10,8 4:-.06,-.04,0,10", "head": "1:tilt_left 2:tilt_right 3:tilt_left 4:up",
        "lf": "1:.22", "rf": "1:.22,.08,0,10,14",
    }),
    move("punches", "krump pop middle-hip-hop", 0.8, {
        "la": "1:front! 2:guard! 3:.2,.3,.85! 4:guard!", "ra": "1:guard! 2:front! 3:guard! 4:l_up!", "chest": "1:12,-32! 2:12,32! 3:4,-30! 4:-8,10!",
        "hips": "1:0,-.16,0,-16,8! 2:0,-.16,0,16,8! 3:0,-.1,.05,-16! 4:0,-.2,-.05,0,14!", "lf": "1:wide 4:=", "rf": "1:.3,-.1 3:= 4:.36,.1", "head": "1:nod 2:nod 3:up 4:nod",
    }, sharp=True),
    move("side lunge", "street-jazz krump waack ballet-jazz", 0.7, {
        "lf": "1:lunge 2:= 3:home 4:=", "rf": "1:.2 2:= 3:= 4:home", "hips": "1:.16,-.16,0,0,6,6 2:.22,-.2,0,14,6,4 3:dip 4:mid",
        "la": "1:.9,.3,.1! 2:up 3:shoulder 4:down", "ra": "1:.6,-.65,.1 2:.85,-.35,-.1 3:shoulder 4:down", "chest": "1:2,8,-16 2:4,20,14 3:in 4:mid", "head": "1:left 2:up 3:down 4:mid",
    }),
    move("lock", "lock pop", 0.55, {
        "arms": "1:l_front! 2:pull! 3:l_up! 4:l_down!", "lf": "1:.26 3:.3 4:=", "rf": "1:.26 2:heel 3:.26 4:=",
        "hips": "1:dip! 2:right! 3:0,-.2,-.04,0,14! 4:left!", "chest": "1:in! 2:0,-16,10! 3:24! 4:-4,14!", "head": "1:nod! 2:left! 3:down! 4:right!",
    }, sharp=True),
    move("waack arms", "waack", 0.7, {
        "ra": "1:.5,.8,.1 1.5:.0,.45,-.05,1.4 2:.85,-.35,.15 2.5:.2,.2,.35,1.2 3:.94,.15,.1 3.5:.1,.45,.05,1.3 4:shoulder",
        "la": "1:shoulder 1.5:.1,.45,.05,1.3 2:.5,.8,.1 2.5:.0,.45,-.05,1.4 3:.85,-.35,.15 3.5:.2,.2,.35,1.2 4:.94,.15,.1",
        "hips": "1:right 2:left 3:right 4:left", "chest": "1:0,14,12 2:0,-14,-12 3:-6,14,12 4:-6,-14,-12", "head": "1:left 2:right 3:up 4:right",
        "lf": "1:.3,0,0,15,18 2:.3 3:.3,0,0,15,18 4:.3", "rf": "1:.3 2:.3,0,0,15,18 3:.3 4:.3,0,0,15,18",
    }),
    move("krump stomp", "krump", 1.0, {
        "lf": "1:.36,.12 1.5:= 2:= 2.5:.3,.1,.5 3:.36,.2 4:=", "rf": "1:.3 1.5:.3,.1,.5 2:.36,.2 2.5:= 3:= 4:.3",
        "arms": "4:.7,.2,-.05", "la": "1:.2,-.5,.55! 2:.75,.5,.1! 3:-.2,-.4,.5! 4:.6,.6,.1!", "ra": "1:.75,.5,.1! 2:-.2,-.4,.5! 3:.6,.6,.1! 4:.5,-.6,.3!",
        "hips": "1:0,-.22,-.04,12,16 2:0,-.22,-.04,-12,16 3:0,-.26,-.04,12,18 4:0,-.1", "chest": "1:30,20! 2:30,-20! 3:34,16! 4:-16!", "head": "1:10 2:10 3:16 4:up",
    }, sharp=True),
    move("house jack", "house", 0.6, {
        "chest": "1:in 2:out 3:in 4:out", "hips": "1:0,-.12,-.06,0,10 2:0,-.04,.08,0,-8 3:0,-.12,-.06,0,10 4:0,-.04,.08,0,-8",
        "arms": "1:.3,-.4,.5 2:.4,-.5,.0 3:.3,-.3,.55 4:.4,-.5,.0", "lf": "1:.2 2:.14,.0,.0,8,20 3:.2 4:.2", "rf": "1:.2 2:.2 3:.2 4:.14,0,0,8,20", "head": "1:down 2:up 3:down 4:up",
    }),
    move("house shuffle", "house break", 0.85, {
        "lf": "1:front 1.5:.14,.1,.06 2:home 3:cross 4:wide", "rf": "1:home 2:front 2.5:.14,.1,.06 3:home 4:.24",
        "hips": "1:0,-.08,0,-10 2:0,-.08,0,10 3:0,-.1,0,-22 4:dip", "la": "1:.3,-.5,-.05 2:.3,-.4,.5 3:-.2,-.3,.5 4:.7,-.3,.2", "ra": "1:.3,-.4,.5 2:.3,-.5,-.05 3:.5,-.4,.2 4:.7,-.3,.2",
        "chest": "1:10,14 2:10,-14 3:12,18 4:0", "head": "1:nod 2:mid 3:nod 4:mid",
    }),
    move("arabesque", "ballet-jazz", 0.6, {
        "lf": "1:.1,.3 2:arabesque 3:arabesque 4:.1,-.3,0,20,25", "rf": "1:home 2:= 3:= 4:=", "la": "1:first 2:.75,.15,.5,.4 3:.6,.5,.5,.5 4:second", "ra": "1:first 2:.3,.55,.7,.5 3:fifth 4:second",
        "hips": "1:dip 2:0,0,.06,-10,20 3:0,.01,.06,-10,24 4:dip", "chest": "1:6,10 2:14,-8 3:6,-12 4:0,12", "head": "1:down 2:up 3:up 4:right",
    }),
    move("port de bras", "ballet-jazz street-jazz", 0.3, {
        "la": "1:first 2:fifth~ 3:second 4:down", "ra": "1:.2,-.85,.1 2:first~ 3:fifth 4:second", "chest": "1:8,-8 2:0,8,-10 3:-8,10,-16 4:8", "head": "1:down 2:left 3:up 4:down",
        "lf": "1:home 2:.4,.1,0,30,25 3:= 4:home", "rf": "1:home", "hips": "1:dip 2:right 3:high 4:dip",
    }),
    move("knee lift", _STREET + " street-jazz", 0.7, {
        "lf": "1:knee 2:home 3:= 4:=", "rf": "1:home 2:= 3:knee 4:home", "la": "1:.35,-.6,-.1 2:.6,.3,.2 3:.2,-.1,.6 4:.4,-.5,.2", "ra": "1:.2,-.1,.6 2:.6,.3,.2 3:.35,-.6,-.1 4:.4,-.5,.2",
        "hips": "1:0,0,0,-10 2:low 3:0,0,0,10 4:low", "chest": "1:12,16 2:6 3:12,-16 4:in", "head": "1:down 2:up 3:down 4:mid",
    }),
    move("toprock", "break", 0.9, {
        "lf": "1:-.05,.36,0,20 2:home 3:= 4:=", "rf": "1:home 1.5:.14,0,.06,10,25 2:.3,-.1 3:-.05,.36,0,20 4:home",
        "arms": "1:cross 2:.85,-.1,.2 3:cross 4:.7,-.2,.3", "hips": "1:0,-.1,0,-24 2:0,-.05,0,10 3:0,-.1,0,24 4:0,-.05,0,-10", "chest": "1:14,-10 2:-6,12 3:14,10 4:-6,-12", "head": "1:nod 2:tilt_left 3:nod 4:tilt_right",
    }),
    move("squat drop", "break krump street-jazz la-hip-hop", 0.8, {
        "feet": "1:wide 8:=", "hips": "1:dip 2:squat! 3:0,-.34,-.08,18,20 4:0,-.34,-.08,-18,20 5:dip! 6:left 7:right 8:mid",
        "arms": "1:up! 2:front_low! 5:v!", "la": "3:.3,-.6,.5 4:.5,-.1,.6 6:hip 7:diag 8:down", "ra": "3:.5,-.1,.6 4:.3,-.6,.5 6:diag 7:hip 8:down",
        "chest": "1:arch 2:24 3:20,16 4:20,-16 5:out 6:tilt_right 7:tilt_left 8:mid", "head": "1:up 2:up 3:left 4:right 5:up 6:mid 7:mid 8:nod",
    }, both_sides=False),
    move("arms up sway", "all", 0.4, {
        "arms": "1:.3,.85,.1 2:.1,.9,.15 3:.4,.8,.1 4:.05,.85,.2", "hips": "1:left 2:right 3:left 4:right", "chest": "1:0,0,14 2:0,0,-14 3:0,6,14 4:0,-6,-14", "head": "1:tilt_right 2:tilt_left 3:up 4:tilt_left",
        "lf": "1:.24 2:.24,0,0,15,14 3:.24 4:.24,0,0,15,14", "rf": "1:.24,0,0,15,14 2:.24 3:.24,0,0,15,14 4:.24",
    }),
    move("robot", "pop", 0.4, {
        "la": "1:robot! 2:l_front! 3:l_up! 4:robot!", "ra": "1:l_down! 2:robot! 3:l_front! 4:down!", "chest": "1:2,20! 2:2,-20! 3:20,0! 4:2,0,12!", "hips": "1:0,-.03,0,12! 2:0,-.03,0,-12! 3:0,-.08,-.05,0,14! 4:right!",
        "head": "1:left! 2:right! 3:down! 4:up!", "lf": "1:.2 3:.2,.12 4:=", "rf": "1:.2",
    }, sharp=True),
)  # fmt: skip

#: Where a dancer stands in a photo, or freezes when the music stops: one key per layer, on count 1.
POSES: tuple[Move, ...] = tuple(
    move(name, "all", 0.0, layers, both_sides=False)
    for name, layers in {
        "relaxed": {"arms": "1:down", "feet": "1:home"},
        "loose": {"arms": "1:loose", "lf": "1:.2", "rf": "1:.2,.06", "hips": "1:.05,-.02,0,0,0,-4"},
        "hands on hips": {"arms": "1:hip", "feet": "1:.2"},
        "one hand on hip": {"la": "1:hip", "ra": "1:down", "hips": "1:right", "chest": "1:2,0,-6", "rf": "1:home", "lf": "1:.26,.06"},
        "arms crossed": {"la": "1:-.42,-.32,.38,.35", "ra": "1:-.42,-.4,.3,.35", "feet": "1:.18"},
        "arm up": {"la": "1:down", "ra": "1:up", "hips": "1:left", "lf": "1:.2", "rf": "1:.24,.05"},
        "both arms up": {"arms": "1:v", "feet": "1:.22"},
        "arms wide": {"arms": "1:side", "feet": "1:.18"},
        "a pose": {"arms": "1:low_v", "feet": "1:.18"},
        "power": {"arms": "1:flex", "feet": "1:wide", "hips": "1:dip"},
        "guard": {"arms": "1:guard", "lf": "1:.18,.14", "rf": "1:.2,-.14", "chest": "1:8,-20", "hips": "1:dip"},
        "thinking": {"la": "1:fold", "ra": "1:chin", "feet": "1:.16", "head": "1:6,8,6"},
        "lean": {"arms": "1:.3,-.8,-.1", "lf": "1:.12", "rf": "1:.36,.1,0,20,10", "hips": "1:left", "chest": "1:0,-12,8"},
        "hands clasped": {"arms": "1:-.3,-.72,.4,.5", "feet": "1:home"},
        "hands behind": {"arms": "1:.05,-.75,-.35,.7", "feet": "1:home"},
        "low": {"arms": "1:.3,-.5,.4", "feet": "1:wide", "hips": "1:squat"},
    }.items()
)  # fmt: skip
